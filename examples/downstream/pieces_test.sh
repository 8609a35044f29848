#!/usr/bin/env bash
#
# Runs the three programs, and sends two lines to the server.

set -euo pipefail

# expect WHAT WANTED: compares standard input with WANTED.
expect() {
  local got
  got=$(cat)
  if [[ $got != "$2" ]]; then
    printf '%s: expected\n%s\ngot\n%s\n' "$1" "$2" "$got" >&2
    exit 1
  fi
}

expect "Abseil's pin" downstream <../com_google_absl/PINNED_BY
./kitchen | expect kitchen $'the tea is ready\nthe egg is ready'
./inbox | expect inbox "2000 numbers, sum 1001000"

coproc ./line_server
server=$COPROC_PID
trap 'kill "$server"' EXIT
read -r line <&"${COPROC[0]}"
expect "the server's own log" "line_server: listening on 127.0.0.1:" \
  <<<"${line%:*}:"
exec 3<>"/dev/tcp/127.0.0.1/${line##*:}"
printf 'hello\nwor' >&3
read -r first <&3
printf 'ld!!\n' >&3
read -r second <&3
expect "the server's answers" "5 7" <<<"$first $second"
