"""A library of the distribution, which patches it, as a repository.

deps.bzl declares such libraries for WORKSPACE files. Under modules the Bazel
Central Registry's module of the same library stands behind the same labels.
"""

# The compiler searches these folders by itself. As options they would come
# before the C++ library's own, whose #include_next would then find nothing.
def _is_searched_anyway(folder):
    return folder in ["/usr/include", "/usr/local/include"] or (
        folder.startswith("/usr/include/") and "-linux-gnu" in folder and
        folder.count("/") == 3
    )

# Returns what pkg-config prints, as a list of words.
def _pkg_config(ctx, *options):
    reason = "there is no pkg-config on PATH"
    program = ctx.which("pkg-config")
    if program:
        found = ctx.execute([program] + list(options))
        if found.return_code == 0:
            return [word for word in found.stdout.strip().split(" ") if word]
        reason = "pkg-config says: " + found.stderr.strip()
    fail("""

A target of this build uses the library {name} of the system, which is not found.
Either install it (on Debian and Ubuntu: apt-get install pkg-config {package}),
or name the folder of its .pc file by --repo_env=PKG_CONFIG_PATH=FOLDER,
or declare a repository "{name}" of your own before sluice_deps() in WORKSPACE.
({reason})
""".format(name = ctx.name, package = ctx.attr.package, reason = reason))

# Returns the text of a cc_library.
def _cc_library(ctx, name, module):
    includes = []
    for option in _pkg_config(ctx, "--cflags-only-I", module):
        folder = option[len("-I"):]
        if not _is_searched_anyway(folder):
            # By a link: Bazel allows headers of the repository, not of folders
            # elsewhere.
            includes.append("%s_include_%d" % (name, len(includes)))
            ctx.symlink(folder, includes[-1])
    linkopts = []
    for option in _pkg_config(ctx, "--libs", module):
        linkopts.append(option)
        if option.startswith("-L"):
            # The program must run with the library that it was linked with.
            linkopts.append("-Wl,-rpath," + option[len("-L"):])
    return """
cc_library(
    name = {name},
    hdrs = glob({headers}, allow_empty = True),
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(
        name = repr(name),
        headers = [folder + "/**" for folder in includes],
        defines = [
            option[len("-D"):]
            for option in _pkg_config(ctx, "--cflags-only-other", module)
            if option.startswith("-D")
        ],
        includes = includes,
        linkopts = linkopts,
    )

def _system_library_impl(ctx):
    ctx.file(
        "BUILD.bazel",
        "load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")\n" +
        "".join([
            _cc_library(ctx, name, module)
            for name, module in ctx.attr.libraries.items()
        ]),
    )

# Bazel evaluates the rule when a target that uses the library is built, and not
# before: all other targets build without the library.
system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "libraries": attr.string_dict(
            mandatory = True,
            doc = "target in the repository: its name in pkg-config",
        ),
        "package": attr.string(
            mandatory = True,
            doc = "package with the headers, in Debian and Ubuntu; bazelw " +
                  "installs it",
        ),
    },
    environ = ["PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_PATH"],
    # Looks again whenever a Bazel server starts.
    local = True,
)
