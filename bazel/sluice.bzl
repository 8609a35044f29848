"""The cc_* rules that every target of Sluice is declared with.

They set what all targets share: the include prefix ("sluice/..."), the
warnings, and the layering check. A target says the rest. The first one in a
package also declares its `sources`.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load(":packages.bzl", "declare_sources", "in_main_repository")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wshadow",
    "-Werror",

    # No warnings about Abseil's headers: for g++, a folder that is a system
    # folder too is only that. clang needs an option that g++ lacks, which is in
    # .bazelrc.
    "-isystem",
    Label("@com_google_absl//:BUILD.bazel").workspace_root,
]

# Warnings are for those who change Sluice. A user of Sluice may have another
# compiler, and a warning of that compiler must not end the user's build.
def _copts():
    return _WARNINGS if in_main_repository() else []

# Effective where the toolchain has it: clang with module maps.
_FEATURES = ["layering_check"]

def sluice_cc_library(name, **kwargs):
    """A cc_library whose headers are included as "sluice/<package>/<header>"."""
    declare_sources()
    cc_library(
        name = name,
        copts = _copts() + kwargs.pop("copts", []),
        features = _FEATURES + kwargs.pop("features", []),
        include_prefix = "sluice/" + native.package_name(),
        **kwargs
    )

def sluice_cc_binary(name, **kwargs):
    """A cc_binary with our warnings."""
    declare_sources()
    cc_binary(
        name = name,
        copts = _copts() + kwargs.pop("copts", []),
        features = _FEATURES + kwargs.pop("features", []),
        **kwargs
    )

def sluice_cc_test(name, deps = [], **kwargs):
    """A cc_test with googletest and googlemock, run under their main()."""
    declare_sources()
    cc_test(
        name = name,
        size = kwargs.pop("size", "small"),
        copts = _copts() + kwargs.pop("copts", []),
        features = _FEATURES + kwargs.pop("features", []),
        deps = deps + [
            "@com_google_googletest//:gtest",
            "@com_google_googletest//:gtest_main",
        ],
        **kwargs
    )

def sluice_cc_benchmark(name, deps = [], **kwargs):
    """A google-benchmark binary: built with everything, run by hand."""
    sluice_cc_binary(
        name = name,
        testonly = True,
        deps = deps + [
            "@com_github_google_benchmark//:benchmark",
            "@com_github_google_benchmark//:benchmark_main",
        ],
        **kwargs
    )

def sluice_cc_fuzz(name, deps = [], **kwargs):
    """A fuzz target: LLVMFuzzerTestOneInput() for libFuzzer, and a test of it.

    `name` is built by hand, with --config=fuzz. `name`_test gives it the inputs
    that are kept in `name`_corpus/, under every configuration.
    """
    sluice_cc_binary(
        name = name,
        testonly = True,
        tags = ["manual"],
        deps = deps,
        **kwargs
    )
    corpus = native.glob([name + "_corpus/*"])
    cc_test(
        name = name + "_test",
        size = "small",
        copts = _copts(),
        args = ["$(location %s)" % input for input in corpus],
        data = corpus,
        features = _FEATURES,
        deps = deps + ["//base/testing:fuzz_replay"],
        **kwargs
    )
