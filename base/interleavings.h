#ifndef SLUICE_BASE_INTERLEAVINGS_H_
#define SLUICE_BASE_INTERLEAVINGS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>

// For tests: a protocol between threads, written down step by step, is executed
// in every order that its steps can take. What is found is what the stress of
// real threads meets once in a year.
namespace sluice {

// The memory under a model: small numbers in places that all threads share.
//
// A store waits in its thread's buffer, where nobody else sees it, and leaves
// it whenever the explorer says so: stores to one place in order, stores to
// different places in any order, but a release store after all before it. Loads
// take place in order. A read-modify-write acts on the memory itself, and holds
// nothing else up: it is as weak as C++ lets a relaxed one be. So what a model
// is not told to order is not ordered, save that a load is never early; what
// that could do is what late stores do.
template <int kPlaces, int kThreads>
class ModelMemory {
 public:
  enum Order : uint8_t { kRelaxed, kRelease };

  // What `thread` sees: its own latest store, or else the memory.
  uint8_t Load(int thread, int place) const {
    for (int i = kWaiting - 1; i >= 0; --i) {
      const Store& store = buffers_[thread][i];
      if (store.used && store.place == place) return store.value;
    }
    return places_[place];
  }

  // False if the buffer is full: one of its stores must leave first.
  bool TryStore(int thread, int place, uint8_t value, Order order) {
    for (Store& store : buffers_[thread]) {
      if (store.used) continue;
      store = {true, order == kRelease, static_cast<uint8_t>(place), value};
      return true;
    }
    return false;
  }

  // May `thread` read and modify `place` now? Not while a store of its own to
  // it waits, nor, for a release, any other.
  bool MayModify(int thread, int place, Order order) const {
    for (const Store& store : buffers_[thread]) {
      if (store.used && (order == kRelease || store.place == place)) {
        return false;
      }
    }
    return true;
  }
  // REQUIRES: MayModify().
  uint8_t Exchange(int place, uint8_t value) {
    const uint8_t before = places_[place];
    places_[place] = value;
    return before;
  }

  // The fence of a thread: passed when nothing waits.
  bool IsDrained(int thread) const { return !buffers_[thread][0].used; }
  // The fence of all threads, at once.
  void DrainAll() {
    for (int thread = 0; thread < kThreads; ++thread) {
      while (!IsDrained(thread)) TryDrain(thread, 0);
    }
  }

  // Lets the i-th waiting store of `thread` take place; false if there is none,
  // or it may not yet.
  static constexpr int kWaiting = 4;
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
  size_t ends = 0;    // states in which nobody can take a step
  std::string fault;  // the first one; empty: none
};

// Executes all steps of `initial` in all orders. A Model is bytes, and has
//
//   static constexpr int kThreads;
//   bool Step(int thread);           takes the thread's next step; false, and
//                                    then whatever it changed does not count:
//                                    it has none, or must wait
//   memory                           a ModelMemory
//   const char* Fault() const;       what is wrong in this state, or null
//   const char* FaultAtEnd() const;  what is wrong if nobody can go on
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

#endif  // SLUICE_BASE_INTERLEAVINGS_H_
