#include "sluice/net/transport/output_queue.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "sluice/base/check.h"

namespace sluice {

void Segment::Unpin() {
  SLUICE_CHECK(pins_ > 0);
  if (--pins_ == 0 && !queued_) delete this;
}

// A block of copied bytes. The bytes follow the object in the same allocation.
// Blocks are filled from the front and never moved, so pinned and gathered
// bytes stay in place while bytes are appended.
class OutputQueue::Block final : public Segment {
 public:
  // Creates a block with room for `wanted` bytes, or of the largest size.
  static Block* New(size_t wanted) {
    const size_t bytes = std::min(
        kMaxBytes, (wanted + sizeof(Block) + kStep - 1) / kStep * kStep);
    return new (::operator new(bytes)) Block(bytes - sizeof(Block));
  }
  // The compiler's own operator would get the size of the object only.
  static void operator delete(void* block) { ::operator delete(block); }

  uint64_t size() const override { return end_ - begin_; }
  absl::string_view Bytes() override {
    return absl::string_view(bytes() + begin_, end_ - begin_);
  }

  // Copies a prefix of `data`, as large as there is room for, and returns its
  // size.
  size_t Fill(absl::string_view data) {
    const size_t taken = std::min<size_t>(data.size(), capacity_ - end_);
    std::memcpy(bytes() + end_, data.data(), taken);
    end_ += static_cast<uint32_t>(taken);
    return taken;
  }

 private:
  static constexpr size_t kStep = 4 << 10;
  static constexpr size_t kMaxBytes = 64 << 10;

  explicit Block(size_t capacity)
      : capacity_(static_cast<uint32_t>(capacity)) {}
  ~Block() override = default;

  void Consume(uint64_t n) override { begin_ += static_cast<uint32_t>(n); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  const uint32_t capacity_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
};

// A contiguous piece of a Cord. Its own Cord holds the reference.
class OutputQueue::CordSegment final : public Segment {
 public:
  explicit CordSegment(absl::Cord piece)
      : piece_(std::move(piece)), rest_(piece_.Flatten()) {}

  uint64_t size() const override { return rest_.size(); }
  absl::string_view Bytes() override { return rest_; }

 private:
  ~CordSegment() override = default;
  void Consume(uint64_t n) override { rest_.remove_prefix(n); }

  absl::Cord piece_;
  absl::string_view rest_;
};

OutputQueue::~OutputQueue() {
  while (!empty()) PopFront();
}

void OutputQueue::Append(absl::string_view data) {
  size_ += data.size();
  if (open_ != nullptr) data.remove_prefix(open_->Fill(data));
  while (!data.empty()) {
    Block* const block = Block::New(data.size());
    data.remove_prefix(block->Fill(data));
    Link(block);
    open_ = block;
  }
}

void OutputQueue::Append(const absl::Cord& data) {
  size_t position = 0;
  for (const absl::string_view piece : data.Chunks()) {
    if (piece.size() < kMinTakeOver) {
      Append(piece);
    } else {
      Append(new CordSegment(data.Subcord(position, piece.size())));
    }
    position += piece.size();
  }
}

void OutputQueue::Append(Segment* segment) {
  SLUICE_CHECK(!segment->queued_);
  const uint64_t size = segment->size();
  if (size > 0) {
    Link(segment);
    size_ += size;
  } else if (segment->pins_ == 0) {
    delete segment;
  }
}

size_t OutputQueue::Gather(absl::Span<absl::string_view> pieces) const {
  size_t count = 0;
  for (Segment* s = first_; s != nullptr && count < pieces.size();
       s = s->next_) {
    const absl::string_view bytes = s->Bytes();
    pieces[count++] = bytes;
    if (bytes.size() < s->size()) break;  // Bytes() showed a prefix only
  }
  return count;
}

void OutputQueue::Consume(uint64_t n) {
  SLUICE_CHECK(n <= size_);
  size_ -= n;
  while (n > 0) {
    const uint64_t taken = std::min(n, first_->size());
    first_->Consume(taken);
    n -= taken;
    if (first_->size() == 0) PopFront();
  }
}

void OutputQueue::Link(Segment* segment) {
  (last_ == nullptr ? first_ : last_->next_) = segment;
  last_ = segment;
  open_ = nullptr;
  segment->queued_ = true;
}

void OutputQueue::PopFront() {
  Segment* const segment = first_;
  first_ = segment->next_;
  if (first_ == nullptr) {
    last_ = nullptr;
    open_ = nullptr;
  }
  segment->next_ = nullptr;
  segment->queued_ = false;
  if (segment->pins_ == 0) delete segment;
}

}  // namespace sluice
