"""All packages of this repository, for the tests that look at all of it."""

# Those with targets from sluice.bzl, which refuses a package that is not here.
PACKAGES = [
    "apps/echo",
    "base",
    "bench",
    "event",
    "log",
    "net",
    "tests",
    "threadpool",
    "timer",
]

def declare_sources():
    """Gives the package a filegroup `sources` of all its files, once.

    The tests of the repository's structure read them.
    """
    if native.repository_name() != "@" or native.existing_rule("sources"):
        return
    if native.package_name() not in PACKAGES:
        fail("add \"%s\" to PACKAGES in bazel/packages.bzl: without it no " %
             native.package_name() + "test of the structure sees the package")
    native.filegroup(
        name = "sources",
        testonly = True,
        srcs = native.glob(["**"]),
        visibility = ["//tests:__pkg__"],
    )

def source_list(name):
    """A file that names all files of the repository, a path a line.

    Whoever has it and its `data`, `<name>_files`, can read them all.
    """
    native.filegroup(
        name = name + "_files",
        testonly = True,
        srcs = ["//:sources", "//bazel:sources"] +
               ["//%s:sources" % package for package in PACKAGES],
    )
    native.genrule(
        name = name,
        testonly = True,
        srcs = [name + "_files"],
        outs = [name + ".txt"],
        # Files of the top package come as "./file".
        cmd = ("printf '%%s\\n' $(locations %s_files) | sed 's,^\\./,,' | " +
               "LC_ALL=C sort > $@") % name,
    )
