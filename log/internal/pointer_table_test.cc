#include "sluice/log/internal/pointer_table.h"

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(PointerTableTest, EachAddressHasAWordOfItsOwn) {
  auto table = std::make_unique<PointerTable>();
  static const int keys[500] = {};
  std::set<std::atomic<uint64_t>*> words;
  for (const int& key : keys) {
    std::atomic<uint64_t>* const word = table->Find(&key);
    ASSERT_NE(word, nullptr);
    EXPECT_EQ(word->load(), 0u);
    words.insert(word);
  }
  EXPECT_EQ(words.size(), 500u);
  for (const int& key : keys) EXPECT_EQ(words.count(table->Find(&key)), 1u);
}

TEST(PointerTableTest, ClearsTheWordsAndKeepsTheAddresses) {
  auto table = std::make_unique<PointerTable>();
  static const int keys[500] = {};
  std::vector<std::atomic<uint64_t>*> words;
  for (const int& key : keys) {
    words.push_back(table->Find(&key));
    words.back()->store(7);
  }
  table->ClearWords();
  for (size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(words[i]->load(), 0u);
    EXPECT_EQ(table->Find(&keys[i]), words[i]);
  }
}

TEST(PointerTableTest, AFullTableStaysFull) {
  auto table = std::make_unique<PointerTable>();
  static const int keys[5000] = {};
  size_t found = 0;
  for (const int& key : keys) found += table->Find(&key) != nullptr ? 1 : 0;
  EXPECT_LE(found, PointerTable::kCapacity);
  EXPECT_GT(found, PointerTable::kCapacity * 3 / 4);
  size_t again = 0;
  for (const int& key : keys) again += table->Find(&key) != nullptr ? 1 : 0;
  EXPECT_EQ(again, found);
}

TEST(PointerTableTest, ThreadsAgreeOnTheWords) {
  auto table = std::make_unique<PointerTable>();
  static const int keys[300] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const int& key : keys) table->Find(&key)->fetch_add(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int& key : keys) EXPECT_EQ(table->Find(&key)->load(), 4u);
}

}  // namespace
}  // namespace sluice
