#include "sluice/base/intrusive_list.h"

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Item : IntrusiveNode {
  explicit Item(int v) : value(v) {}
  const int value;
};

std::vector<int> Values(const IntrusiveList<Item>& list) {
  std::vector<int> values;
  for (Item* item = list.front(); item != nullptr; item = list.next(item)) {
    values.push_back(item->value);
  }
  return values;
}

class IntrusiveListTest : public ::testing::Test {
 protected:
  Item one_{1}, two_{2}, three_{3};
  IntrusiveList<Item> list_;
};

TEST_F(IntrusiveListTest, StartsEmpty) {
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(list_.front(), nullptr);
  EXPECT_FALSE(one_.linked());
}

TEST_F(IntrusiveListTest, KeepsTheOrderOfInsertion) {
  list_.PushBack(&two_);
  list_.PushBack(&one_);
  list_.PushBack(&three_);
  EXPECT_THAT(Values(list_), ElementsAre(2, 1, 3));
  EXPECT_TRUE(one_.linked());
}

TEST_F(IntrusiveListTest, AMemberMayLeaveTheMiddleAndBeAddedAgain) {
  list_.PushBack(&one_);
  list_.PushBack(&two_);
  list_.PushBack(&three_);
  two_.Unlink();
  two_.Unlink();  // does nothing
  EXPECT_THAT(Values(list_), ElementsAre(1, 3));
  list_.PushBack(&two_);
  EXPECT_THAT(Values(list_), ElementsAre(1, 3, 2));
}

TEST_F(IntrusiveListTest, DestructionOfAMemberUnlinksIt) {
  list_.PushBack(&one_);
  auto four = std::make_unique<Item>(4);
  list_.PushBack(four.get());
  list_.PushBack(&two_);
  four.reset();
  EXPECT_THAT(Values(list_), ElementsAre(1, 2));
}

TEST_F(IntrusiveListTest, DestructionOfTheListUnlinksMembers) {
  {
    IntrusiveList<Item> inner;
    inner.PushBack(&one_);
    inner.PushBack(&two_);
  }
  EXPECT_FALSE(one_.linked());
  EXPECT_FALSE(two_.linked());
}

TEST_F(IntrusiveListTest, MoveAllToAppends) {
  IntrusiveList<Item> other;
  other.PushBack(&three_);
  list_.PushBack(&one_);
  list_.PushBack(&two_);
  list_.MoveAllTo(&other);
  EXPECT_TRUE(list_.empty());
  EXPECT_THAT(Values(other), ElementsAre(3, 1, 2));
  list_.MoveAllTo(&other);  // moves nothing
  EXPECT_THAT(Values(other), ElementsAre(3, 1, 2));
  other.MoveAllTo(&list_);
  EXPECT_THAT(Values(other), IsEmpty());
  EXPECT_THAT(Values(list_), ElementsAre(3, 1, 2));
}

}  // namespace
}  // namespace sluice
