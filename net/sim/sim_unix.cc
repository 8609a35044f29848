#include "sluice/net/sim/sim_unix.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_byte_queue.h"

namespace sluice {
namespace {

// Returns the address of an unnamed socket.
SocketAddress Unnamed() { return SocketAddress::Parse("unix:").value(); }

// Returns a path, or the text of an abstract name.
std::string KeyOf(const SocketAddress& address) {
  const absl::string_view path = address.unix_path();
  return path.empty() ? address.ToString() : std::string(path);
}

}  // namespace

// One end of a pair. As in Linux, an end changes the state of the other end
// directly.
class SimUnix::Stream final : public SimSocket {
 public:
  // The state that both ends and the backlog share. End 0 has connected.
  struct Pair {
    struct Side {
      SocketAddress address;  // may be unnamed
      uint64_t name = 0;      // number of its bound name; 0: none
      SimByteQueue in;
      size_t buffer = 0;  // for the bytes that it writes
      int fd = -1;        // -1: not accepted yet, or closed
      int error = 0;
      bool closed = false;
      bool reads_no_more = false;   // after the bytes that have arrived
      bool writes_no_more = false;  // shut down, or the other end is closed
    };
    Side ends[2];
  };

  Stream(SimUnix* owner, std::shared_ptr<Pair> pair, int end, int fd)
      : owner_(*owner), pair_(std::move(pair)), end_(end) {
    here().fd = fd;
    Update(end_);
  }

  std::optional<SocketAddress> Address(SocketApi::End end) const override {
    const int which = end == SocketApi::End::kLocal ? end_ : 1 - end_;
    return pair_->ends[which].address;
  }
  int TakeError() override {
    const int error = std::exchange(here().error, 0);
    Update(end_);
    return error;
  }
  IoResult Read(absl::Span<char> into) override {
    const size_t most = std::min(here().in.size(), into.size());
    if (most == 0) {
      if (here().error != 0) return IoResult::FromErrno(TakeError());
      return here().reads_no_more ? IoResult(0) : IoResult::FromErrno(EAGAIN);
    }
    const size_t size = owner_.host_.Shortened(most);
    here().in.Take(into.data(), size);
    Update(end_);
    Update(1 - end_);
    return IoResult(static_cast<int64_t>(size));
  }
  IoResult UnreadBytes() override {
    return IoResult(static_cast<int64_t>(here().in.size()));
  }
  IoResult Write(absl::Span<const absl::string_view> pieces) override {
    if (here().writes_no_more) return IoResult::FromErrno(EPIPE);
    const size_t asked = SizeOf(pieces);
    if (asked == 0) return IoResult(0);
    const size_t used = there().in.size();
    if (used >= here().buffer) return IoResult::FromErrno(EAGAIN);
    const size_t size =
        owner_.host_.Shortened(std::min(asked, here().buffer - used));
    there().in.Append(pieces, size);
    Update(end_);
    Update(1 - end_);
    return IoResult(static_cast<int64_t>(size));
  }
  IoResult ShutdownWrite() override {
    owner_.host_.Note(here().fd, "sends FIN");
    here().writes_no_more = true;
    there().reads_no_more = true;
    Update(end_);
    Update(1 - end_);
    return IoResult(0);
  }
  void SetOption(SocketApi::Option option, int value) override {
    if (option != SocketApi::Option::kSendBuffer) return;
    here().buffer = SendBufferFor(value);
    Update(end_);
  }
  void Close(CloseMode) override {
    const int fd = std::exchange(here().fd, -1);
    if (!owner_.host_.is_up()) return;
    owner_.host_.Note(fd, "is closed");
    End(pair_.get(), end_);
    Update(1 - end_);
    if (here().name != 0) owner_.Release(here().address, here().name);
  }

  // Closes `end`. The other end has no peer any more; it gets an error if `end`
  // has unread bytes or was never accepted.
  static void End(Pair* pair, int end, bool accepted = true) {
    Pair::Side& here = pair->ends[end];
    Pair::Side& there = pair->ends[1 - end];
    here.closed = true;
    if (!there.closed && (here.in.size() > 0 || !accepted)) {
      there.error = ECONNRESET;
    }
    here.in.Clear();
    there.reads_no_more = there.writes_no_more = true;
  }
  static void Update(SimSocketHost* host, const Pair& pair, int end) {
    const Pair::Side& here = pair.ends[end];
    if (here.fd < 0 || !host->is_up()) return;
    IoEvents ready = 0;
    if (here.in.size() > 0 || here.reads_no_more) ready |= kReadable;
    // As in Linux, writable while no more than a quarter is in use.
    if (4 * pair.ends[1 - end].in.size() <= here.buffer) ready |= kWritable;
    if (here.error != 0) ready |= kError;
    if (here.reads_no_more && here.writes_no_more) ready |= kHangup;
    host->SetReady(here.fd, ready);
  }

 private:
  Pair::Side& here() { return pair_->ends[end_]; }
  Pair::Side& there() { return pair_->ends[1 - end_]; }
  void Update(int end) { Update(&owner_.host_, *pair_, end); }

  SimUnix& owner_;
  const std::shared_ptr<Pair> pair_;
  const int end_;
};

class SimUnix::Listener final : public SimSocket {
 public:
  Listener(SimUnix* owner, int fd, const SocketAddress& address,
           uint64_t number, int backlog)
      : owner_(*owner),
        fd_(fd),
        address_(address),
        number_(number),
        backlog_(static_cast<size_t>(backlog)) {}

  const SocketAddress& address() const { return address_; }
  // Linux lets one more connection wait than the backlog says.
  bool IsFull() const { return waiting_.size() > backlog_; }
  void Add(std::shared_ptr<Stream::Pair> pair) {
    waiting_.push_back(std::move(pair));
    Update();
  }

  std::optional<SocketAddress> Address(SocketApi::End end) const override {
    if (end == SocketApi::End::kPeer) return std::nullopt;
    return address_;
  }
  int AcceptError() override { return waiting_.empty() ? EAGAIN : 0; }
  std::unique_ptr<SimSocket> Accept(int fd, SocketAddress* peer) override {
    auto pair = std::move(waiting_.front());
    waiting_.pop_front();
    Update();
    if (peer != nullptr) *peer = pair->ends[0].address;
    owner_.host_.Note(fd, "is accepted at ", address_.ToString());
    return std::make_unique<Stream>(&owner_, std::move(pair), 1, fd);
  }
  int TakeError() override { return 0; }
  IoResult Read(absl::Span<char>) override {
    return IoResult::FromErrno(EINVAL);
  }
  IoResult UnreadBytes() override { return IoResult::FromErrno(EINVAL); }
  IoResult Write(absl::Span<const absl::string_view>) override {
    return IoResult::FromErrno(ENOTCONN);
  }
  IoResult ShutdownWrite() override { return IoResult(0); }
  void SetOption(SocketApi::Option, int) override {}
  void Close(CloseMode) override {
    if (!owner_.host_.is_up()) return;
    owner_.host_.Note(fd_, "stops listening");
    owner_.Release(address_, number_);
    for (const auto& pair : waiting_) {
      Stream::End(pair.get(), 1, /*accepted=*/false);
      Stream::Update(&owner_.host_, *pair, 0);
    }
  }

 private:
  void Update() {
    owner_.host_.SetReady(fd_, waiting_.empty() ? IoEvents{0} : kReadable);
  }

  SimUnix& owner_;
  const int fd_;
  const SocketAddress address_;
  const uint64_t number_;
  const size_t backlog_;
  std::deque<std::shared_ptr<Stream::Pair>> waiting_;
};

// ---------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------

void SimUnix::GoDown() {
  abstract_.clear();
  for (auto& [path, name] : files_) name.listener = nullptr;
}

std::map<std::string, SimUnix::Name>& SimUnix::NamesLike(
    const SocketAddress& address) {
  return address.unix_path().empty() ? abstract_ : files_;
}

SimUnix::Name* SimUnix::Find(const SocketAddress& address) {
  auto& names = NamesLike(address);
  const auto it = names.find(KeyOf(address));
  return it == names.end() ? nullptr : &it->second;
}

int SimUnix::Bind(const SocketAddress& address, SocketAddress* bound,
                  uint64_t* number) {
  *bound = address;
  if (address == Unnamed()) {
    // Chooses a free abstract name, see unix(7).
    constexpr uint64_t kNames = 1 << 20;
    uint64_t tries = 0;
    do {
      *bound = SocketAddress::Parse(
                   absl::StrFormat("unix:@%05x", last_autobound_++ % kNames))
                   .value();
    } while (Find(*bound) != nullptr && ++tries < kNames);
  }
  if (Find(*bound) != nullptr) return EADDRINUSE;
  *number = ++last_number_;
  NamesLike(*bound)[KeyOf(*bound)].number = *number;
  return 0;
}

void SimUnix::Release(const SocketAddress& address, uint64_t number) {
  Name* const name = Find(address);
  // Another listener may have taken the address over.
  if (name == nullptr || name->number != number) return;
  name->listener = nullptr;
  if (address.unix_path().empty()) abstract_.erase(KeyOf(address));
}

int SimUnix::Listen(int fd, const SocketAddress& address, int backlog,
                    std::unique_ptr<SimSocket>* socket) {
  // Replaces a file without a listener.
  if (const Name* const name = Find(address);
      name != nullptr && name->listener == nullptr) {
    files_.erase(KeyOf(address));
  }
  SocketAddress bound;
  uint64_t number = 0;
  if (const int error = Bind(address, &bound, &number); error != 0) {
    return error;
  }
  auto listener = std::make_unique<Listener>(this, fd, bound, number, backlog);
  Find(bound)->listener = listener.get();
  host_.Note(fd, "listens on ", bound.ToString());
  *socket = std::move(listener);
  return 0;
}

int SimUnix::StartConnect(int fd, const SocketAddress& address,
                          const SocketAddress* local,
                          std::unique_ptr<SimSocket>* socket) {
  auto pair = std::make_shared<Stream::Pair>();
  pair->ends[0].address = Unnamed();
  if (local != nullptr) {
    Stream::Pair::Side& here = pair->ends[0];
    const int error = Bind(*local, &here.address, &here.name);
    if (error != 0) return error;
  }
  const Name* const name = Find(address);
  int error = 0;
  if (address == Unnamed()) {
    error = EINVAL;
  } else if (name == nullptr) {
    error = address.unix_path().empty() ? ECONNREFUSED : ENOENT;
  } else if (name->listener == nullptr) {
    error = ECONNREFUSED;
  } else if (name->listener->IsFull()) {
    error = EAGAIN;
  }
  if (error != 0) {
    if (local != nullptr) Release(pair->ends[0].address, pair->ends[0].name);
    return error;
  }
  pair->ends[0].buffer = pair->ends[1].buffer = buffer_bytes_;
  pair->ends[1].address = name->listener->address();
  host_.Note(fd, "is connected to ", address.ToString());
  name->listener->Add(pair);
  *socket = std::make_unique<Stream>(this, std::move(pair), 0, fd);
  return 0;
}

uint64_t SimUnix::FileNumber(const std::string& path) const {
  const auto it = files_.find(path);
  return it == files_.end() ? 0 : it->second.number;
}

bool SimUnix::RemoveFile(const std::string& path) {
  return files_.erase(path) > 0;
}

}  // namespace sluice
