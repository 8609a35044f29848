#ifndef SLUICE_BASE_INTRUSIVE_LIST_H_
#define SLUICE_BASE_INTRUSIVE_LIST_H_

#include "sluice/base/check.h"

namespace sluice {

// The links of an object that stands in at most one IntrusiveList: derive from
// it. Destruction unlinks. Thread-compatible, together with its list. 16 bytes.
class IntrusiveNode {
 public:
  IntrusiveNode(const IntrusiveNode&) = delete;
  IntrusiveNode& operator=(const IntrusiveNode&) = delete;

  bool linked() const { return next_ != this; }

  // Leaves the list; no-op when not linked.
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

// A list, in the order of insertion, of objects that it does not own. T derives
// from IntrusiveNode. Each call is O(1), save destruction; nothing allocates;
// there is no size(). Thread-compatible.
//
// To visit members while what is called may unlink any of them, move them to a
// local list and take its front() until it is empty.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  // Unlinks what is left.
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
  }

  bool empty() const { return !head_.linked(); }

  // REQUIRES: `item` is in no list.
  void PushBack(T* item) {
    IntrusiveNode* node = item;
    SLUICE_DCHECK(!node->linked());
    IntrusiveNode* const last = head_.prev_;
    node->prev_ = last;
    last->next_ = node;
    node->next_ = &head_;
    head_.prev_ = node;
  }

  // Null when empty.
  T* front() const { return ToItem(head_.next_); }
  // Null at the end. REQUIRES: `item` is in this list.
  T* next(const T* item) const {
    return ToItem(static_cast<const IntrusiveNode*>(item)->next_);
  }

  // Appends all members to `to`, in order. REQUIRES: `to` is another list.
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
