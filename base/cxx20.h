#ifndef SLUICE_BASE_CXX20_H_
#define SLUICE_BASE_CXX20_H_

// The headers that most others include also include this one. So the first
// error of a build with an older C++ says what to do.
#if __cplusplus < 202002L
#error \
    "Sluice needs C++20 in all targets: put \
build --cxxopt=-std=c++20 --host_cxxopt=-std=c++20 into your .bazelrc"
#endif

#endif  // SLUICE_BASE_CXX20_H_
