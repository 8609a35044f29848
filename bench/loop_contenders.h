#ifndef SLUICE_BENCH_LOOP_CONTENDERS_H_
#define SLUICE_BENCH_LOOP_CONTENDERS_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "sluice/base/check.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/timer/clock.h"

// Event loops that other threads call, all with the same calls:
//
//   L(std::function<void()> on_call);
//   void Run();     runs the loop until Quit()
//   void Quit();    ends Run(); called from on_call
//   void Call();    makes the loop run on_call; called from any thread
namespace sluice {

// The least that a loop can be: an epoll instance that watches an eventfd.
class BareLoop {
 public:
  explicit BareLoop(std::function<void()> on_call)
      : on_call_(std::move(on_call)),
        event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    SLUICE_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, event_fd_, &event) == 0);
  }
  ~BareLoop() {
    close(epoll_fd_);
    close(event_fd_);
  }
  void Run() {
    while (!quit_) {
      epoll_event events[64];
      if (epoll_wait(epoll_fd_, events, 64, -1) != 1) continue;
      uint64_t calls;
      SLUICE_CHECK(read(event_fd_, &calls, sizeof(calls)) == sizeof(calls));
      on_call_();
    }
  }
  void Quit() { quit_ = true; }
  void Call() {
    const uint64_t one = 1;
    SLUICE_CHECK(write(event_fd_, &one, sizeof(one)) == sizeof(one));
  }

 private:
  const std::function<void()> on_call_;
  const int event_fd_;
  const int epoll_fd_;
  bool quit_ = false;
};

template <size_t kMaxSpins>
class SluiceLoop {
 public:
  explicit SluiceLoop(std::function<void()> on_call)
      : on_call_(std::move(on_call)) {
    EventLoop::Options options;
    options.poller = *EpollPoller::Create();
    options.clock = Clock::Real();
    options.max_spins = kMaxSpins;
    loop_ = *EventLoop::Create(std::move(options));
  }
  void Run() { SLUICE_CHECK(loop_->Run().ok()); }
  void Quit() { loop_->Stop(); }

 protected:
  const std::function<void()> on_call_;
  std::unique_ptr<EventLoop> loop_;
};

template <size_t kMaxSpins = 0>
class SluiceSchedule : public SluiceLoop<kMaxSpins> {
 public:
  using SluiceLoop<kMaxSpins>::SluiceLoop;
  void Call() { this->loop_->Schedule(&task_); }

 private:
  void Run1() { this->on_call_(); }
  MemberTask<&SluiceSchedule::Run1> task_{this};
};

class SluicePost : public SluiceLoop<0> {
 public:
  using SluiceLoop<0>::SluiceLoop;
  void Call() {
    SLUICE_CHECK(loop_->Post([this] { on_call_(); }).ok());
  }
};

class UvAsync {
 public:
  explicit UvAsync(std::function<void()> on_call)
      : on_call_(std::move(on_call)) {
    SLUICE_CHECK(uv_loop_init(&loop_) == 0);
    async_.data = this;
    SLUICE_CHECK(uv_async_init(&loop_, &async_, [](uv_async_t* async) {
                   static_cast<UvAsync*>(async->data)->on_call_();
                 }) == 0);
  }
  ~UvAsync() { SLUICE_CHECK(uv_loop_close(&loop_) == 0); }
  void Run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void Quit() { uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr); }
  void Call() { uv_async_send(&async_); }

 private:
  const std::function<void()> on_call_;
  uv_loop_t loop_;
  uv_async_t async_;
};

class AsioPost {
 public:
  explicit AsioPost(std::function<void()> on_call)
      : on_call_(std::move(on_call)), work_(context_.get_executor()) {}
  void Run() { context_.run(); }
  void Quit() { context_.stop(); }
  void Call() {
    boost::asio::post(context_, [this] { on_call_(); });
  }

 private:
  const std::function<void()> on_call_;
  boost::asio::io_context context_{/*concurrency_hint=*/1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_LOOP_CONTENDERS_H_
