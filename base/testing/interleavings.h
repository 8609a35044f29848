#ifndef SLUICE_BASE_TESTING_INTERLEAVINGS_H_
#define SLUICE_BASE_TESTING_INTERLEAVINGS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>

// For tests: executes a protocol between threads, written down step by step, in
// every order that its steps can take. This finds faults that a stress test
// with real threads meets once a year.
namespace sluice {

// The memory under a model: small numbers in places that all threads share.
//
// A store waits in the buffer of its thread, where no other thread sees it,
// until the explorer takes it out. Stores to one place leave in order; stores
// to different places leave in any order, except that a release store leaves
// after all stores before it. Loads take place in order. A read-modify-write
// acts on the memory itself and delays nothing else: it is as weak as C++
// allows for a relaxed one. So the memory orders only what the model asks for,
// with one exception: a load is never early. Late stores have the same effects
// as early loads.
template <int kPlaces, int kThreads>
class ModelMemory {
 public:
  enum Order : uint8_t { kRelaxed, kRelease };

  // The most stores that wait in the buffer of one thread.
  static constexpr int kWaiting = 4;

  // Returns the value that `thread` sees: its own latest store to `place`, or
  // else the memory.
  uint8_t Load(int thread, int place) const {
    for (int i = kWaiting - 1; i >= 0; --i) {
      const Store& store = buffers_[thread][i];
      if (store.used && store.place == place) return store.value;
    }
    return places_[place];
  }

  // Stores `value`. Returns false if the buffer is full: one of its stores must
  // leave first.
  bool TryStore(int thread, int place, uint8_t value, Order order) {
    for (Store& store : buffers_[thread]) {
      if (store.used) continue;
      store = {true, order == kRelease, static_cast<uint8_t>(place), value};
      return true;
    }
    return false;
  }

  // Returns true if `thread` may read and modify `place` now: no store of its
  // own to `place` waits, and for kRelease no store of its own at all.
  bool MayModify(int thread, int place, Order order) const {
    for (const Store& store : buffers_[thread]) {
      if (store.used && (order == kRelease || store.place == place)) {
        return false;
      }
    }
    return true;
  }
  // Writes `value` to the memory, and returns the value before. REQUIRES:
  // MayModify().
  uint8_t Exchange(int place, uint8_t value) {
    const uint8_t before = places_[place];
    places_[place] = value;
    return before;
  }

  // Returns true if no store of `thread` waits: its fence may pass.
  bool IsDrained(int thread) const { return !buffers_[thread][0].used; }
  // Executes a fence in all threads at once.
  void DrainAll() {
    for (int thread = 0; thread < kThreads; ++thread) {
      while (!IsDrained(thread)) TryDrain(thread, 0);
    }
  }

  // Lets the i-th waiting store of `thread` take place. Returns false if there
  // is no such store, or if it may not leave yet.
  bool TryDrain(int thread, int i) {
    Store* const buffer = buffers_[thread];
    if (!buffer[i].used || (buffer[i].release && i > 0)) return false;
    for (int before = 0; before < i; ++before) {
      if (buffer[before].place == buffer[i].place) return false;
    }
    places_[buffer[i].place] = buffer[i].value;
    for (; i + 1 < kWaiting; ++i) buffer[i] = buffer[i + 1];
    buffer[kWaiting - 1] = {};
    return true;
  }

 private:
  struct Store {
    bool used;
    bool release;
    uint8_t place;
    uint8_t value;
  };

  uint8_t places_[kPlaces] = {};
  Store buffers_[kThreads][kWaiting] = {};
};

struct Explored {
  size_t states = 0;
  size_t ends = 0;    // states in which no thread can take a step
  std::string fault;  // the first fault; empty if there is none
};

// Executes all steps of `initial` in all orders, until the first fault. Keeps
// every state in memory. A Model is a struct without pointers and padding, and
// has
//
//   static constexpr int kThreads;
//   bool Step(int thread);           takes the next step of the thread; returns
//                                    false if there is none or it must wait,
//                                    and then its changes do not count
//   memory                           a ModelMemory
//   const char* Fault() const;       what is wrong in this state, or null
//   const char* FaultAtEnd() const;  what is wrong if no thread can go on
template <typename Model>
Explored Explore(const Model& initial) {
  static_assert(std::is_trivially_copyable_v<Model>);
  static_assert(std::has_unique_object_representations_v<Model>);
  struct Bytes {
    size_t operator()(const Model& model) const {
      const auto* bytes = reinterpret_cast<const char*>(&model);
      return std::hash<std::string_view>()({bytes, sizeof(Model)});
    }
    bool operator()(const Model& a, const Model& b) const {
      return std::memcmp(&a, &b, sizeof(Model)) == 0;
    }
  };
  Explored result;
  std::unordered_set<Model, Bytes, Bytes> seen;
  std::deque<const Model*> open;
  const auto visit = [&](const Model& state) {
    const auto [where, is_new] = seen.insert(state);
    if (is_new) open.push_back(&*where);
  };
  visit(initial);
  while (!open.empty() && result.fault.empty()) {
    const Model& model = *open.front();
    open.pop_front();
    ++result.states;
    if (const char* fault = model.Fault()) result.fault = fault;
    bool ended = true;
    for (int thread = 0; thread < Model::kThreads; ++thread) {
      Model next = model;
      if (next.Step(thread)) {
        ended = false;
        visit(next);
      }
      for (int i = 0; i < decltype(model.memory)::kWaiting; ++i) {
        next = model;
        if (next.memory.TryDrain(thread, i)) {
          ended = false;
          visit(next);
        }
      }
    }
    if (!ended) continue;
    ++result.ends;
    if (const char* fault = model.FaultAtEnd()) result.fault = fault;
  }
  return result;
}

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_INTERLEAVINGS_H_
