#include "sluice/tests/own_poller.h"

#include "gtest/gtest.h"
#include "sluice/event/poller/poller_conformance.h"

using sluice::PollerConformanceTest;

INSTANTIATE_TEST_SUITE_P(
    Own, PollerConformanceTest,
    ::testing::Values(sluice::KernelPollerBackend("own", own::NewOwnPoller)),
    sluice::PollerBackend::Name);
