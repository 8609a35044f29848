#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/testing/fuzz_input.h"
#include "sluice/event/event_queue.h"

namespace sluice {
namespace {

// Compares every call of an EventQueue, on one thread, with a deque.
class Comparison {
 public:
  explicit Comparison(FuzzInput* input)
      : Comparison(input, static_cast<size_t>(input->Below(64)) + 1) {}

  // Makes one call; inside `consume` of a drain, one that is allowed there.
  void Step(bool draining) {
    switch (input_.Below(draining ? 4 : 8)) {
      case 0:
        return Close();
      case 1:
        return PushBatch();
      case 2:
      case 3:
        return Push();
      case 4:
        return PrepareToSleep();
      case 5:
        return Drain(SIZE_MAX);
      default:
        return Drain(static_cast<size_t>(input_.Number(1)));
    }
  }

 private:
  using Item = std::unique_ptr<uint64_t>;
  using Queue = EventQueue<Item>;
  using PushResult = Queue::PushResult;

  Comparison(FuzzInput* input, size_t capacity)
      : input_(*input),
        capacity_(std::bit_ceil(std::max<size_t>(capacity, 2))),
        queue_(capacity) {}

  Item NewItem() { return std::make_unique<uint64_t>(next_++); }

  // Returns the expected result of a push of `count` items, and how many it
  // takes.
  PushResult Expect(size_t count, size_t* taken) {
    *taken = 0;
    if (closed_) return PushResult::kClosed;
    *taken = std::min(count, capacity_ - model_.size());
    if (*taken == 0) return PushResult::kFull;
    return std::exchange(armed_, false) ? PushResult::kPushedFirst
                                        : PushResult::kPushed;
  }

  void Push() {
    Item item = NewItem();
    const uint64_t value = *item;
    size_t taken;
    const PushResult expected = Expect(1, &taken);
    SLUICE_CHECK(queue_.TryPush(std::move(item)) == expected);
    // NOLINTNEXTLINE(bugprone-use-after-move): moved if it was pushed.
    SLUICE_CHECK((item == nullptr) == (taken == 1));
    if (taken == 1) {
      model_.push_back(value);
    } else {
      // NOLINTNEXTLINE(bugprone-use-after-move)
      SLUICE_CHECK(*item == value);
    }
  }

  void PushBatch() {
    std::vector<Item> items(1 + input_.Below(48));
    for (Item& item : items) item = NewItem();
    const uint64_t first = *items[0];
    size_t taken;
    const PushResult expected = Expect(items.size(), &taken);
    absl::Span<Item> rest = absl::MakeSpan(items);
    SLUICE_CHECK(queue_.TryPushBatch(&rest) == expected);
    SLUICE_CHECK(rest.size() == items.size() - taken);
    SLUICE_CHECK(rest.data() == items.data() + taken);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i < taken) {
        SLUICE_CHECK(items[i] == nullptr);
        model_.push_back(first + i);
      } else {
        SLUICE_CHECK(*items[i] == first + i);
      }
    }
  }

  void Close() {
    queue_.Close();
    closed_ = true;
  }

  void Drain(size_t max_items) {
    const size_t expected = std::min(max_items, model_.size());
    size_t consumed = 0;
    const size_t count = queue_.Drain(max_items, [&](Item&& item) {
      SLUICE_CHECK(!model_.empty() && *item == model_.front());
      model_.pop_front();
      ++consumed;
      if (input_.Below(4) == 1) Step(/*draining=*/true);
    });
    SLUICE_CHECK(count == expected && consumed == expected);
  }

  void PrepareToSleep() {
    const bool may = queue_.PrepareToSleep();
    SLUICE_CHECK(may == model_.empty());
    if (may) armed_ = true;
  }

  FuzzInput& input_;
  const size_t capacity_;
  Queue queue_;
  std::deque<uint64_t> model_;
  uint64_t next_ = 0;
  bool closed_ = false;
  bool armed_ = true;  // the next push returns kPushedFirst
};

}  // namespace
}  // namespace sluice

// The input chooses the capacity, and then the calls.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::FuzzInput input(data, size);
  sluice::Comparison comparison(&input);
  while (!input.empty()) comparison.Step(/*draining=*/false);
  return 0;
}
