#include "sluice/log/async_logger.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/counter.h"
#include "sluice/base/sequence_role.h"
#include "sluice/log/internal/log_value.h"

namespace sluice {
namespace {

// The least that is passed to the writer, unless there are no more lines.
constexpr size_t kPieceBytes = 64 * 1024;

// The site of a record with the number of records dropped before the next one.
const LogSite& DroppedSite() {
  SLUICE_LOG_SITE(
      site, kWarning,
      "{} lines of this thread were dropped here: its ring was full",
      uint64_t{});
  return site;
}

// The site of records of Append(). Their arguments are a Forwarded, the file
// and the message.
constexpr LogSite kForwardedSite = {LogSeverity::kInfo, 0, "", nullptr};

struct Forwarded {
  int64_t unix_nanos;
  int32_t line;
  LogSeverity severity;
  bool truncated;
  uint16_t file_size;
};

constexpr size_t kMaxFile = 256;

const Clock& Required(const Clock* clock) {
  SLUICE_CHECK(clock != nullptr);
  return *clock;
}

std::string NameOfThread() {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
}

}  // namespace

AsyncLogger::AsyncLogger(std::unique_ptr<LogWriter> writer, Options options)
    : clock_(Required(options.clock)),
      on_full_(options.on_full),
      ring_bytes_(options.ring_bytes),
      max_threads_(options.max_threads),
      max_args_(options.max_line_bytes),
      ticks_(options.clock),
      levels_(options.level),
      output_(std::move(writer), options.clock, std::move(options.on_error)),
      formatter_(options.style) {
  SLUICE_CHECK(ring_bytes_ >= 1 << 10 && ring_bytes_ <= 1 << 30);
  SLUICE_CHECK((ring_bytes_ & (ring_bytes_ - 1)) == 0);
  SLUICE_CHECK(max_args_ <= ring_bytes_ / 4);
  SLUICE_CHECK(sem_init(&work_, /*pshared=*/0, 0) == 0);
}

AsyncLogger::~AsyncLogger() {
  if (!forked()) CallWithoutUnwind([this] { Close(); });
  sem_destroy(&work_);
}

void AsyncLogger::Close() {
  SLUICE_CHECK(!has_thread_.load());
  while (RunOnce() > 0 || HasFlush()) {
  }
  MutexLock lock(&back_end_);
  UpdateRings();
  if (!output_.Write(/*now=*/true).ok()) {
    output_.GiveUp(merger_.Merge(
        rings_, UINT64_MAX,
        [](const auto&, const auto&, const char*) { return true; }, [] {}));
  }
  for (const auto& ring : rings_) {
    ring->logger.store(nullptr, std::memory_order_release);
  }
}

// ---------------------------------------------------------------------------
// The caller's side
// ---------------------------------------------------------------------------

bool AsyncLogger::OnBackEnd() const {
  // Relaxed: only this thread stores its own ID there.
  return back_end_busy_.load(std::memory_order_acquire) &&
         pthread_equal(back_end_thread_.load(std::memory_order_relaxed),
                       pthread_self()) != 0;
}

char* AsyncLogger::LookForRoom(ThreadRing* ring, size_t bytes) {
  if (bytes > ring->ring.max_record() ||
      ring->dropped.load(std::memory_order_relaxed) > 0) {
    return nullptr;
  }
  char* const to = ring->ring.MakeRoom(bytes);
  return ring->ring.more_than_half() ? nullptr : to;
}

void AsyncLogger::LogSlowly(const LogSite& site, size_t args_size,
                            CopyArgs copy) {
  if (forked()) {
    // The locks may be held by threads that do not exist in this process.
    dropped_.Add();
    return;
  }
  ThreadRing* const ring = GetRing();
  if (ring == nullptr) {
    PutInShared(site, args_size, copy);
  } else {
    PutOrDrop(ring, site, args_size, copy);
  }
}

ThreadRing* AsyncLogger::GetRing() {
  ThreadRing* const found = FindThreadRing(this);
  if (found != nullptr || !CanKeepThreadRing()) return found;
  MutexLock lock(&rings_mutex_);
  if (all_rings_.size() >= max_threads_) return nullptr;
  const std::shared_ptr<ThreadRing> ring = AddRing(NameOfThread());
  KeepThreadRing(ring);
  return ring.get();
}

std::shared_ptr<ThreadRing> AsyncLogger::AddRing(absl::string_view thread) {
  // Threads without a name of their own have the name of their creator.
  std::string name(thread);
  for (const auto& ring : all_rings_) {
    if (ring->thread != thread) continue;
    name = absl::StrCat(thread, "/", gettid());
    break;
  }
  auto ring = std::make_shared<ThreadRing>(this, std::move(name), ring_bytes_);
  all_rings_.push_back(ring);
  rings_changed_.store(true, std::memory_order_release);
  return ring;
}

void AsyncLogger::PutInShared(const LogSite& site, size_t args_size,
                              CopyArgs copy) {
  if (OnBackEnd()) {
    // Another thread may hold the mutex while it waits for the back end.
    dropped_.Add();
    return;
  }
  MutexLock lock(&shared_mutex_);
  if (shared_ring_ == nullptr) {
    MutexLock rings_lock(&rings_mutex_);
    shared_ring_ = AddRing("others");
  }
  PutOrDrop(shared_ring_.get(), site, args_size, copy);
}

void AsyncLogger::PutOrDrop(ThreadRing* ring, const LogSite& site,
                            size_t args_size, CopyArgs copy) {
  const size_t most =
      LogRecord::BytesFor(args_size) + LogRecord::BytesFor(sizeof(uint64_t));
  const bool put =
      most <= ring->ring.max_record() &&
      (TryPut(ring, site, args_size, copy) ||
       (on_full_ == OnFull::kBlock && WaitAndPut(ring, site, args_size, copy)));
  if (!put) {
    ring->dropped.fetch_add(1, std::memory_order_release);
    dropped_.Add();
  }
  if (!put || ring->ring.more_than_half()) Wake();
}

bool AsyncLogger::WaitAndPut(ThreadRing* ring, const LogSite& site,
                             size_t args_size, CopyArgs copy) {
  if (OnBackEnd()) return false;  // only this thread makes room
  blocked_.Add();
  if (has_thread_.load()) {
    MutexLock lock(&room_mutex_);
    waiting_for_room_.fetch_add(1);
    bool put = false;
    // TryPut() must come after the increment: see LogRing::Release().
    while (!(put = TryPut(ring, site, args_size, copy)) && has_thread_.load() &&
           may_wait_.load()) {
      Wake();
      room_.Wait(&room_mutex_);
    }
    waiting_for_room_.fetch_sub(1);
    if (put) return true;
  }
  if (!may_wait_.load()) return false;
  RunOnce();
  return TryPut(ring, site, args_size, copy);
}

bool AsyncLogger::TryPut(ThreadRing* ring, const LogSite& site,
                         size_t args_size, CopyArgs copy) {
  const size_t bytes = LogRecord::BytesFor(args_size);
  const size_t notice_bytes = ring->dropped.load(std::memory_order_relaxed) > 0
                                  ? LogRecord::BytesFor(sizeof(uint64_t))
                                  : 0;
  char* to = ring->ring.MakeRoom(notice_bytes + bytes);
  if (to == nullptr) return false;
  // The back end may have reported the number meanwhile.
  const uint64_t dropped = notice_bytes > 0 ? ring->dropped.exchange(0) : 0;
  if (dropped > 0) {
    WriteHeader(to, DroppedSite(), sizeof(dropped));
    LogArgs<uint64_t>(dropped).CopyTo(to + sizeof(LogRecord));
    to += notice_bytes;
  }
  WriteHeader(to, site, args_size);
  copy(to + sizeof(LogRecord));
  ring->ring.Commit(dropped > 0 ? notice_bytes + bytes : bytes);
  return true;
}

void AsyncLogger::Append(const LogLineHeader& header,
                         absl::string_view message) {
  const absl::string_view file = header.file.substr(0, kMaxFile);
  const size_t fixed = sizeof(Forwarded) + file.size();
  const size_t room = max_args_ - std::min(max_args_, fixed);
  const bool truncated = message.size() > room;
  if (truncated) {
    log_internal::LogString string(message);
    string.Truncate(room);
    message = message.substr(0, string.length());
    truncated_.Add();
  }
  const Forwarded forwarded = {header.unix_nanos, header.line, header.severity,
                               truncated, static_cast<uint16_t>(file.size())};
  LogSlowly(kForwardedSite, fixed + message.size(), [&](char* to) {
    std::memcpy(to, &forwarded, sizeof(forwarded));
    to += sizeof(forwarded);
    to += file.copy(to, file.size());
    message.copy(to, message.size());
  });
}

bool AsyncLogger::IsNth(const LogSite& site, uint64_t n) {
  SLUICE_CHECK(n > 0);
  std::atomic<uint64_t>* const calls = sites_.Find(&site);
  return calls == nullptr ||
         calls->fetch_add(1, std::memory_order_relaxed) % n == 0;
}

bool AsyncLogger::IsDue(const LogSite& site, absl::Duration interval) {
  std::atomic<uint64_t>* const next = sites_.Find(&site);
  if (next == nullptr || interval <= absl::ZeroDuration()) return true;
  const MonotonicTime now = clock_.Now();
  uint64_t due = next->load(std::memory_order_relaxed);
  // If several threads are due, one of them succeeds.
  return static_cast<uint64_t>(now.nanos()) >= due &&
         next->compare_exchange_strong(
             due, static_cast<uint64_t>((now + interval).nanos()),
             std::memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// The back end
// ---------------------------------------------------------------------------

size_t AsyncLogger::RunOnce() {
  if (forked() || OnBackEnd()) return 0;
  size_t lines = 0;
  CallWithoutUnwind([this, &lines] {
    std::vector<Done> finished;
    absl::Status flushed;
    {
      MutexLock lock(&back_end_);
      lines = Run();
      finished.swap(finished_);
      flushed = flushed_;
    }
    for (Done& done : finished) std::move(done)(flushed);
  });
  return lines;
}

size_t AsyncLogger::Run() {
  if (ended_) return 0;
  back_end_thread_.store(pthread_self(), std::memory_order_relaxed);
  back_end_busy_.store(true, std::memory_order_release);
  ticks_.Sample();
  // Read before UpdateRings(): otherwise a line in a ring added in between
  // would be missing before the lines that it caused.
  const uint64_t cutoff = ticks_.Now();
  UpdateRings();
  BeginFlush();
  absl::Status written = output_.Write(/*now=*/flushing_);
  size_t lines = 0;
  if (written.ok()) {
    lines = merger_.Merge(
        rings_, cutoff,
        [this](const ThreadRing& ring, const LogRecord& record,
               const char* args) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          AppendLine(ring.thread, record, args);
          return output_.size() < kPieceBytes || output_.Write().ok();
        },
        [this] { SignalRoom(); });
    for (const auto& ring : rings_) AppendDropped(ring.get());
    written = output_.Write();
    lines_.AddLocal(lines);
  }
  EndFlush(written);
  back_end_busy_.store(false, std::memory_order_release);
  return lines;
}

void AsyncLogger::UpdateRings() {
  const auto is_over = [](const std::shared_ptr<ThreadRing>& ring) {
    return ring->ended.load(std::memory_order_acquire) &&
           ring->ring.begin() == ring->ring.end() &&
           ring->dropped.load(std::memory_order_relaxed) == 0;
  };
  const bool changed =
      rings_changed_.exchange(false, std::memory_order_acquire);
  if (!changed && std::none_of(rings_.begin(), rings_.end(), is_over)) return;
  MutexLock lock(&rings_mutex_);
  std::erase_if(all_rings_, is_over);
  rings_ = all_rings_;
}

void AsyncLogger::AppendLine(absl::string_view thread, const LogRecord& record,
                             const char* args) {
  LogText& text = output_.text();
  LogLineHeader header;
  header.thread = thread;
  if (record.site != &kForwardedSite) {
    header.unix_nanos = ticks_.WallNanos(record.ticks);
    header.severity = record.site->severity;
    header.file = record.site->file;
    header.line = record.site->line;
    formatter_.Begin(header, text);
    record.site->print(args, text);
  } else {
    Forwarded forwarded;
    std::memcpy(&forwarded, args, sizeof(forwarded));
    const absl::string_view rest(args + sizeof(forwarded),
                                 record.args_size() - sizeof(forwarded));
    header.unix_nanos = forwarded.unix_nanos;
    header.severity = forwarded.severity;
    header.file = rest.substr(0, forwarded.file_size);
    header.line = forwarded.line;
    formatter_.Begin(header, text);
    text.Append(rest.substr(forwarded.file_size));
    if (forwarded.truncated) text.Append(log_internal::kTruncatedMark);
  }
  formatter_.End(text);
}

void AsyncLogger::AppendDropped(ThreadRing* ring) {
  if (ring->dropped.load(std::memory_order_relaxed) == 0) return;
  // If records follow, the thread reports the number with its next record.
  if (ring->ring.begin() != ring->ring.end()) return;
  const uint64_t dropped = ring->dropped.exchange(0);
  if (dropped == 0) return;
  if (ring->ring.begin() != ring->ring.end()) {
    // Some were dropped later. The thread or the next call reports the number.
    ring->dropped.fetch_add(dropped, std::memory_order_relaxed);
    return;
  }
  char args[sizeof(dropped)];
  LogArgs<uint64_t>(dropped).CopyTo(args);
  AppendLine(ring->thread, NewRecord(DroppedSite(), sizeof(args)), args);
}

void AsyncLogger::SignalRoom() {
  if (waiting_for_room_.load() == 0) return;
  MutexLock lock(&room_mutex_);
  room_.SignalAll();
}

void AsyncLogger::StopThread() {
  // While the writer may block, has_thread_ stays true, so that other threads
  // wait for room and not in RunOnce(): SetMayWait() can end only that wait.
  RunOnce();
  {
    MutexLock lock(&room_mutex_);
    has_thread_.store(false);
    room_.SignalAll();
  }
  // Answers flushes that were requested before has_thread_ was false.
  RunOnce();
}

void AsyncLogger::SetMayWait(bool may_wait) {
  MutexLock lock(&room_mutex_);
  may_wait_.store(may_wait);
  room_.SignalAll();
}

// ---------------------------------------------------------------------------
// Flushing and waiting
// ---------------------------------------------------------------------------

void AsyncLogger::Flush(absl::AnyInvocable<void(absl::Status) &&> done) {
  if (forked()) {
    CallWithoutUnwind([&done] {
      std::move(done)(absl::FailedPreconditionError(
          "log flush: the logger belongs to the parent process; make a logger "
          "in the child of a fork"));
    });
    return;
  }
  {
    MutexLock lock(&flush_mutex_);
    flush_requests_.push_back(std::move(done));
    flush_requested_.store(true, std::memory_order_release);
  }
  Wake();
}

absl::Status AsyncLogger::FlushAndWait(absl::Duration timeout) {
  SLUICE_CHECK(!SequenceRole::OnAny());
  return FlushBeforeAbort(timeout);
}

absl::Status AsyncLogger::FlushBeforeAbort(absl::Duration timeout) {
  if (OnBackEnd()) {
    return absl::FailedPreconditionError(
        "log flush: called by the log's writer, which would wait for itself");
  }
  struct Result {
    Mutex mutex;
    CondVar done;
    std::optional<absl::Status> status ABSL_GUARDED_BY(mutex);
  };
  // Outlives this call if it ends by its timeout.
  const auto result = std::make_shared<Result>();
  Flush([result](absl::Status status) {
    MutexLock lock(&result->mutex);
    result->status = std::move(status);
    result->done.Signal();
  });
  const MonotonicTime deadline = clock_.Now() + timeout;
  while (!has_thread_.load()) {
    RunOnce();
    MutexLock lock(&result->mutex);
    if (result->status.has_value()) return *result->status;
    if (clock_.Now() >= deadline) break;
  }
  MutexLock lock(&result->mutex);
  while (!result->status.has_value()) {
    if (result->done.WaitWithTimeout(&result->mutex, deadline - clock_.Now())) {
      break;
    }
  }
  if (result->status.has_value()) return *result->status;
  return absl::DeadlineExceededError(absl::StrCat(
      "log flush: not finished after ", absl::FormatDuration(timeout)));
}

void AsyncLogger::BeginFlush() {
  // Flushes that have begun are finished first; their ends are in flush_end.
  if (flushing_) return;
  const bool requested =
      flush_requested_.exchange(false, std::memory_order_acquire);
  const uint64_t asked = flushes_asked_.load(std::memory_order_acquire);
  flushing_ = requested || asked != answering_;
  if (!flushing_) return;
  answering_ = asked;
  // Read before UpdateRings(), so that lines logged before it are written
  // before it.
  flush_line_ = last_line_.load(std::memory_order_acquire);
  if (requested) {
    MutexLock lock(&flush_mutex_);
    flushes_.swap(flush_requests_);
  }
  // The ring of each thread that logged before the flush is in all_rings_.
  rings_changed_.store(true, std::memory_order_relaxed);
  UpdateRings();
  for (const auto& ring : rings_) ring->flush_end = ring->ring.end();
}

bool AsyncLogger::HasFlush() {
  MutexLock lock(&back_end_);
  return !ended_ &&
         (flushing_ || flush_requested_.load(std::memory_order_relaxed));
}

void AsyncLogger::EndFlush(const absl::Status& written) {
  if (!flushing_) return;
  const bool all = std::all_of(
      rings_.begin(), rings_.end(),
      [](const auto& ring) { return ring->ring.begin() >= ring->flush_end; });
  // The remaining lines are from a processor whose clock is ahead: the next
  // call writes them.
  if (written.ok() && !all) return;
  flushed_ = written;
  if (flushed_.ok() && flush_line_ != nullptr) flushed_ = WriteLastLine();
  if (flushed_.ok()) flushed_ = output_.Flush();
  flushing_ = false;
  std::move(flushes_.begin(), flushes_.end(), std::back_inserter(finished_));
  flushes_.clear();
  // After a last line, all later flushes are finished, too.
  flushes_answered_.store(ended_ ? UINT64_MAX : answering_,
                          std::memory_order_release);
}

absl::Status AsyncLogger::WriteLastLine() {
  const LastLine& line = *flush_line_;
  AppendLine(line.thread, NewRecord(*line.site, line.args.size()),
             line.args.data());
  lines_.AddLocal();
  ended_ = true;
  return output_.Write();
}

// ---------------------------------------------------------------------------
// The end of the process
// ---------------------------------------------------------------------------

uint64_t AsyncLogger::AskForFlush(const LastLine* line) {
  if (line != nullptr) last_line_.store(line, std::memory_order_release);
  const uint64_t asked =
      flushes_asked_.fetch_add(1, std::memory_order_acq_rel) + 1;
  Wake();
  return asked;
}

bool AsyncLogger::IsAnswered(uint64_t asked) const {
  return flushes_answered_.load(std::memory_order_acquire) >= asked;
}

bool AsyncLogger::DrivesBackEnd() const {
  return !has_thread_.load() ||
         pthread_equal(back_end_thread_.load(std::memory_order_relaxed),
                       pthread_self()) != 0;
}

bool AsyncLogger::TryRunOnce() {
  if (forked() || OnBackEnd() || !back_end_.TryLock()) return false;
  CallWithoutUnwind([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { Run(); });
  back_end_.Unlock();
  return true;
}

// ---------------------------------------------------------------------------
// Sleeping
// ---------------------------------------------------------------------------

void AsyncLogger::Wake() {
  has_work_.store(true);
  if (sleep_flag_.TakeWake()) sem_post(&work_);
}

void AsyncLogger::WaitForWork(absl::Duration at_most) {
  const auto has_work = [this] { return has_work_.exchange(false); };
  if (!sleep_flag_.PrepareToSleep(has_work)) return;
  // Not clock_, which may be simulated: a thread sleeps by the kernel's clock.
  const timespec deadline = absl::ToTimespec(
      absl::Nanoseconds((Clock::Real()->Now() + at_most).nanos()));
  while (sem_clockwait(&work_, CLOCK_MONOTONIC, &deadline) != 0 &&
         errno == EINTR) {
  }
  has_work_.store(false);
  sleep_flag_.EndSleep();
}

AsyncLogger::Stats AsyncLogger::stats() const {
  return {.lines = lines_.value(),
          .bytes = output_.bytes(),
          .dropped = dropped_.value(),
          .blocked = blocked_.value(),
          .truncated = truncated_.value(),
          .write_errors = output_.errors(),
          .waiting = WaitingBytes()};
}

uint64_t AsyncLogger::WaitingBytes() const {
  if (forked()) return 0;  // the lock may be held by a thread of the parent
  uint64_t bytes = 0;
  MutexLock lock(&rings_mutex_);
  for (const auto& ring : all_rings_) {
    // Read in this order, so that the difference is not negative.
    const uint64_t begin = ring->ring.begin();
    bytes += ring->ring.end() - begin;
  }
  return bytes;
}

}  // namespace sluice
