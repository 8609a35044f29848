#ifndef SLUICE_BASE_INTRUSIVE_LIST_H_
#define SLUICE_BASE_INTRUSIVE_LIST_H_

#include "sluice/base/check.h"

namespace sluice {

// The links of an object that is in at most one IntrusiveList at a time. Derive
// from this class. The destructor unlinks the object. Thread-compatible,
// together with its list. 16 bytes.
class IntrusiveNode {
 public:
  IntrusiveNode(const IntrusiveNode&) = delete;
  IntrusiveNode& operator=(const IntrusiveNode&) = delete;

  // Returns true if the object is in a list.
  bool linked() const { return next_ != this; }

  // Takes the object out of its list. Does nothing if it is in no list.
  void Unlink() {
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = this;
  }

 protected:
  IntrusiveNode() = default;
  ~IntrusiveNode() { Unlink(); }

 private:
  template <typename T>
  friend class IntrusiveList;

  IntrusiveNode* next_ = this;
  IntrusiveNode* prev_ = this;
};

// A list of objects that it does not own, in the order of insertion. T derives
// from IntrusiveNode. Allocates nothing, and has no size(). Each call is O(1);
// the destructor is O(number of members). Thread-compatible.
//
// If a visitor may unlink any member, move all members to a local list first.
// Then unlink and visit the front() of that list until it is empty.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  // Unlinks all members.
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
  }

  bool empty() const { return !head_.linked(); }

  // Adds `item` at the end. REQUIRES: `item` is in no list.
  void PushBack(T* item) {
    IntrusiveNode* const node = &static_cast<IntrusiveNode&>(*item);
    SLUICE_DCHECK(!node->linked(), "the item is in a list");
    IntrusiveNode* const last = head_.prev_;
    node->prev_ = last;
    last->next_ = node;
    node->next_ = &head_;
    head_.prev_ = node;
  }

  // Returns the first member, or null if the list is empty.
  T* front() const { return ToItem(head_.next_); }
  // Returns the member after `item`, or null if `item` is the last one.
  // REQUIRES: `item` is in this list.
  T* next(const T* item) const {
    return ToItem(static_cast<const IntrusiveNode*>(item)->next_);
  }

  // Appends all members to `to`, in order. Leaves this list empty. REQUIRES:
  // `to` is another list.
  void MoveAllTo(IntrusiveList* to) {
    if (empty()) return;
    IntrusiveNode* const first = head_.next_;
    IntrusiveNode* const last = head_.prev_;
    head_.next_ = head_.prev_ = &head_;
    first->prev_ = to->head_.prev_;
    to->head_.prev_->next_ = first;
    last->next_ = &to->head_;
    to->head_.prev_ = last;
  }

 private:
  struct Head : IntrusiveNode {};

  T* ToItem(IntrusiveNode* node) const {
    return node == &head_ ? nullptr : static_cast<T*>(node);
  }

  Head head_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_INTRUSIVE_LIST_H_
