#include "sluice/net/transport/transport_peer_codec.h"

#include <utility>

namespace sluice {
namespace {

class PlainPeerCodec final : public TransportPeerCodec {
 public:
  void Send(absl::string_view plain) override {
    output_.append(plain.data(), plain.size());
  }
  void SendEnd() override {}
  std::string TakeOutput() override {
    return std::exchange(output_, std::string());
  }
  bool Receive(absl::string_view wire, std::string* plain) override {
    plain->append(wire.data(), wire.size());
    return true;
  }
  bool open() const override { return true; }
  bool may_end() const override { return true; }

 private:
  std::string output_;
};

}  // namespace

std::unique_ptr<TransportPeerCodec> NewPlainPeerCodec() {
  return std::make_unique<PlainPeerCodec>();
}

}  // namespace sluice
