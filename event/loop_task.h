#ifndef SLUICE_EVENT_LOOP_TASK_H_
#define SLUICE_EVENT_LOOP_TASK_H_

#include "sluice/base/executor.h"

namespace sluice {

// A task meant for a loop. The same type as a worker's or a strand's, so that
// an object may travel between them as one node, and a loop is an Executor.
using LoopTask = ExecTask;

// A LoopTask that calls a member function, for owners with several duties:
//   MemberTask<&Server::FinishDrain> finish_drain_{this};
// The second function is called instead if the loop ended first; without it,
// nothing is. Destroyed unqueued, with its owner: EventLoop::Cancel() it first.
// 32 bytes.
template <auto kMethod, auto kOnAbandon = nullptr>
class MemberTask;

template <typename Owner, void (Owner::*kMethod)(), auto kOnAbandon>
class MemberTask<kMethod, kOnAbandon> final : public LoopTask {
 public:
  explicit MemberTask(Owner* owner) : owner_(owner) {}
  void Run() override { (owner_->*kMethod)(); }
  void Abandon() override {
    if constexpr (kOnAbandon != nullptr) (owner_->*kOnAbandon)();
  }

 private:
  Owner* const owner_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_LOOP_TASK_H_
