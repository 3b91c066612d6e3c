# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Packages of other suites and architectures. apt is given a state of its own: nothing
# is installed, signatures are checked as always, and no root is needed.

# archive_for SUITE: the address to read a suite from: that of ASHMEM_DEBIAN, or else of
# this machine's own apt. The addresses of main and security archives differ in debian and
# debian-security, so that each follows from the other.
archive_for() {
    local want=main main security
    [[ $1 != *-security ]] || want=security
    if [[ -n ${ASHMEM_DEBIAN-} ]]; then
        read -r main security <<<"$ASHMEM_DEBIAN"
    else
        main=$(archive_of_apt main)
        security=$(archive_of_apt security)
        [[ $main$security ]] ||
            die "apt reads no Debian archive: say ASHMEM_DEBIAN=ADDRESS, that of one"
    fi
    : "${main:=$(sed -E 's|/debian-security(/.*)?$|/debian\1|' <<<"$security")}"
    : "${security:=$(sed -E 's|/debian(/.*)?$|/debian-security\1|' <<<"$main")}"
    [[ ${main%/} != "${security%/}" ]] ||
        die "$main has no sibling: say ASHMEM_DEBIAN='MAIN SECURITY', the addresses of both archives"
    printf '%s\n' "${!want}"
}

# archive_of_apt main|security: the first such archive of Debian in apt's sources. apt knows
# the origin of a source once it has read the lists; before, the address has to do.
archive_of_apt() {
    # shellcheck disable=SC2016  # apt expands these
    local what='$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI) $(ORIGIN)'
    {
        apt-get indextargets --format "$what"
        apt-get indextargets --no-release-info --format "$what"
    } 2>/dev/null | awk -v want="$1" '
        $1 != "Packages" || $2 != "main" { next }
        $5 !~ /\$/ { origin[$4] = $5 }
        !($4 in origin) && $4 ~ /\/debian(-security)?\// { origin[$4] = "Debian" }
        origin[$4] == "Debian" && ($3 ~ /-security$/) == (want == "security") { print $4; exit }'
}

# write_sources FILE SUITE...
write_sources() {
    local file=$1 suite uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg options=
    shift
    [[ ! -r $keyring ]] || options="[signed-by=$keyring] "
    for suite; do
        uri=$(archive_for "$suite")
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
        # A mirror's lists of testing or unstable may have expired.
        -o "Acquire::Check-Valid-Until=false"
        -o "Acquire::Languages=none" -o "Acquire::PDiffs=false"
        -o "Acquire::Retries=2" -o "Acquire::http::Timeout=20"
        # The user _apt, which root's apt downloads as, cannot read root's home.
        -o "APT::Sandbox::User=$(id -un)"
        # Nothing is installed, and a user may not take the lock.
        -o "Debug::NoLocking=true"
    )
    write_sources "$dir/sources.list" "$@"
}
