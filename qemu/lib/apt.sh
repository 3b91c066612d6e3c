# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Packages of other suites and architectures, from the archives that this machine's
# apt is configured with. apt is given a state of its own: nothing is installed,
# signatures are checked as always, and no root is needed.

# archive_for SUITE: the address this machine's own apt reads such a suite from
archive_for() {
    local want=main
    [[ $1 != *-security ]] || want=security
    # shellcheck disable=SC2016  # apt expands these
    apt-get indextargets --format \
        '$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI) $(ORIGIN)' 2>/dev/null |
        awk -v want="$want" '
            # ORIGIN stays unexpanded while apt has no lists.
            $1 != "Packages" || $2 != "main" || ($5 != "Debian" && $5 !~ /\$/) { next }
            ($3 ~ /-security$/) == (want == "security") { print $4; exit }'
}

# write_sources FILE SUITE...
write_sources() {
    local file=$1 suite uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg options=
    shift
    [[ ! -r $keyring ]] || options="[signed-by=$keyring] "
    for suite; do
        uri=$(archive_for "$suite")
        [[ -n $uri ]] || die "apt is not configured with a Debian archive for $suite"
        printf 'deb %s%s %s main\n' "$options" "$uri" "$suite"
    done >"$file"
}

# apt_private DIR ARCH SUITE...: sets apt_options, and sources to read below DIR
apt_private() {
    local dir=$1 arch=$2
    shift 2
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    # shellcheck disable=SC2034  # the scripts that call apt read it
    apt_options=(
        -o "Dir::State=$dir/state" -o "Dir::State::lists=$dir/state/lists"
        -o "Dir::State::status=/dev/null" -o "Dir::Cache=$dir/cache"
        -o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=-"
        -o "APT::Architecture=$arch" -o "APT::Architectures=$arch,$(host_arch)"
        # Suites that move can be past their date on a mirror.
        -o "Acquire::Check-Valid-Until=false"
        -o "Acquire::Languages=none" -o "Acquire::PDiffs=false"
        -o "Acquire::Retries=2" -o "Acquire::http::Timeout=20"
        # The download user of root's apt may not look into root's home.
        -o "APT::Sandbox::User=$(id -un)"
        # Nothing is installed, and the lock is not for everybody to take.
        -o "Debug::NoLocking=true"
    )
    write_sources "$dir/sources.list" "$@"
}
