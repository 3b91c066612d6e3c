// SPDX-License-Identifier: Apache-2.0
// Whether the kernel demands a signature, and whether the module has one.
#include "doctor.hpp"
#include "text.hpp"

namespace tool {
namespace {

constexpr char secure_boot[] =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr char lockdown[] = "/sys/kernel/security/lockdown";
constexpr char enforce[] = "/sys/module/module/parameters/sig_enforce";

/** Four bytes of attributes come before the value. */
std::optional<bool> secure_boot_on(const Root& root) {
    const auto variable = root.read(secure_boot);
    if (!variable || variable->size() != 5) return {};
    return variable->back() == 1;
}

/** The word in brackets is the one that holds. */
bool locked_down(const Root& root) {
    const std::string text = root.read(lockdown).value_or("");
    return text.find("[integrity]") != std::string::npos ||
           text.find("[confidentiality]") != std::string::npos;
}

bool is_signed(const Root& root, const std::string& file) {
    return root.read(file).value_or("").ends_with("~Module signature appended~\n");
}

} // namespace

void check_secure_boot(const Root& root, Findings& findings) {
    const auto boot = secure_boot_on(root);
    const bool locked = locked_down(root);
    const bool enforced = root.read(enforce).value_or("").starts_with('Y');
    const std::string looked_at = std::string(secure_boot) + ", " + lockdown + ", " + enforce;
    if (!locked && !enforced) {
        const bool told = boot || root.exists(lockdown) || root.exists(enforce);
        findings.push_back({"signature", told ? State::ok : State::unknown, looked_at,
                            told ? "The kernel loads modules without a signature."
                                 : "Nothing here tells whether modules must be signed.",
                            ""});
        return;
    }
    const std::string why = boot.value_or(false) ? "Secure Boot is on"
                            : locked             ? "The kernel is locked down"
                                                 : "Signatures are enforced";
    const std::string file = root.module_file(root.release());
    if (file.empty() || !file.ends_with(".ko")) {
        findings.push_back({"signature", State::unknown, looked_at,
                            why + ", so the module must be signed. It is not here, or compressed.",
                            "Sign it with a key that is enrolled: mokutil --list-enrolled."});
    } else if (is_signed(root, file)) {
        findings.push_back({"signature", State::ok, looked_at + ", " + file,
                            why + ", and the module is signed. If modprobe says \"Key was "
                                  "rejected\", its key is not enrolled.",
                            ""});
    } else {
        findings.push_back({"signature", root.minor_number() ? State::warning : State::failure,
                            looked_at + ", " + file,
                            why + ", and the module is not signed: the kernel refuses it.",
                            "Sign it with a key that is enrolled by mokutil --import."});
    }
}

} // namespace tool
