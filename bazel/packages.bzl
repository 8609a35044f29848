"""All packages of this repository, for the tests that look at all of it."""

# Those with targets from sluice.bzl, which refuses a package that is not here.
PACKAGES = [
    "apps/common",
    "apps/common/load",
    "apps/echo",
    "base",
    "base/testing",
    "bench",
    "bench/report",
    "event",
    "event/poller",
    "log",
    "log/glog",
    "log/internal",
    "net",
    "net/sim",
    "net/socket",
    "net/tcp",
    "net/transport",
    "tests",
    "tests/echo",
    "tests/fault_injection",
    "tests/log",
    "tests/sim",
    "tests/structure",
    "tests/support",
    "threadpool",
    "timer",
]

def in_main_repository():
    """Returns True if Sluice is the workspace that is built, not a dependency.

    A label knows it under modules and under WORKSPACE, in every Bazel.
    """
    return not Label("//:BUILD.bazel").workspace_root

def declare_sources():
    """Gives the package a filegroup `sources` of all its files, once.

    The tests of the repository's structure read them.
    """
    if not in_main_repository() or native.existing_rule("sources"):
        return
    if native.package_name() not in PACKAGES:
        fail("add \"%s\" to PACKAGES in bazel/packages.bzl: without it no " %
             native.package_name() + "test of the structure sees the package")
    native.filegroup(
        name = "sources",
        testonly = True,
        srcs = native.glob(["**"]),
        visibility = ["//tests/structure:__pkg__"],
    )

def all_sources(name):
    """Files that hold the whole repository.

    <name>.list has all paths, one a line; <name>.txt has, for each file, a line
    of its path, a blank and its size, then the file, then a line end. In one
    piece, for BUILD files among a test's runfiles would be packages to another
    Bazel server that follows the links in the checkout.
    """
    native.filegroup(
        name = name + "_files",
        testonly = True,
        srcs = ["//:sources", "//:example_sources", "//bazel:sources"] +
               ["//%s:sources" % package for package in PACKAGES],
    )
    native.genrule(
        name = name,
        testonly = True,
        srcs = [name + "_files"],
        outs = [name + ".list", name + ".txt"],
        # Files of the top package come as "./file".
        cmd = """
            printf '%%s\\n' $(locations %s_files) | sed 's,^\\./,,' |
                LC_ALL=C sort > $(location %s.list)
            while read -r path; do
                echo "$$path $$(stat -L -c %%s "$$path")"
                cat "$$path"
                echo
            done < $(location %s.list) > $(location %s.txt)
        """ % (name, name, name, name),
    )
