package detect

import (
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// All returns every rule of this package.
func All() []auditlog.Detection {
	return []auditlog.Detection{
		AttackProtectionOff(), MFAWeakened(), RefreshTokenReuse(), PushFatigue(), ManagementScopeGranted(), ClientSecretRead(),
		TenantMemberAdded(), AllowListEntry(), RegistrationBurst(), SharedDevice(), PasswordSpray(), ImpossibleAdmin(),
	}
}

// counted makes a rule that fires when a key has enough different values in a window.
func counted(d auditlog.Detection, want int, key func(e auditlog.Entry) (key, value string, about audit.Ref)) auditlog.Detection {
	d.New = func() func(auditlog.Entry) []auditlog.Finding {
		m := newMemory(d.Window)
		return func(e auditlog.Entry) []auditlog.Finding {
			k, value, about := key(e)
			if k == "" {
				return nil
			}
			if ids, org := m.add(k, value, e, want); ids != nil {
				return []auditlog.Finding{{Subject: about, Because: ids, Organization: org}}
			}
			return nil
		}
	}
	return d
}

func address(ip string) audit.Ref { return audit.Ref{Kind: "address", ID: ip} }

// PushFatigue finds a user who is asked again and again: somebody has their password
// and hopes for a yes. A push that is refused counts twice, when it is sent and when
// it is refused.
func PushFatigue() auditlog.Detection {
	return counted(auditlog.Detection{
		Name: "push_fatigue", Window: 10 * time.Minute, Description: "A user got six pushes, or refused three, within ten minutes.",
		Advice: "Ask the user, by another way, whether it was them. Otherwise reset their password, and look whether one push was approved.",
	}, 6, func(e auditlog.Entry) (string, string, audit.Ref) {
		if e.Action != "message.gd_send_pn" && e.Action != "mfa.gd_auth_rejected" || e.Target.Kind != "user" {
			return "", "", audit.Ref{}
		}
		return e.Target.ID, e.ID, e.Target
	})
}

// RegistrationBurst finds many sign-ups from one address.
func RegistrationBurst() auditlog.Detection {
	return counted(auditlog.Detection{
		Name: "registration_burst", Window: time.Hour, Description: "Twenty accounts were made from one address within an hour.",
		Advice: "Look whether the accounts are used. Switch on bot detection for sign-up; an office or a school behind one address looks the same.",
	}, 20, func(e auditlog.Entry) (string, string, audit.Ref) {
		if e.Action != "signup.ss" {
			return "", "", audit.Ref{}
		}
		return e.IP, e.ID, address(e.IP)
	})
}

// SharedDevice finds one Guardian device that serves several users.
func SharedDevice() auditlog.Detection {
	return counted(auditlog.Detection{
		Name: "shared_device", Window: 7 * 24 * time.Hour, Description: "One device is the second factor of two users.",
		Advice: "Ask both users. A device that an attacker enrolled on several accounts is removed from all of them; a couple with one phone is no attack.",
	}, 2, func(e auditlog.Entry) (string, string, audit.Ref) {
		device := e.Metadata["device"]
		if e.Forgotten { // has another pseudonym in each event
			return "", "", audit.Ref{}
		}
		if device == "" || e.Type != "factor" && e.Type != "mfa" || e.Outcome != audit.Success || e.Target.Kind != "user" {
			return "", "", audit.Ref{}
		}
		return device, e.Target.ID, audit.Ref{Kind: "device", ID: strings.ToValidUTF8(device[:min(len(device), audit.MaxID)], "")}
	})
}

// PasswordSpray finds an address that tries a few passwords on many accounts.
func PasswordSpray() auditlog.Detection {
	return counted(auditlog.Detection{
		Name: "password_spray", Window: time.Hour, Description: "Logins to fifteen accounts failed from one address within an hour.",
		Advice: "Look for logins from the address that succeeded, and end those sessions. Block the address; an office behind one address looks similar on a bad day.",
	}, 15, func(e auditlog.Entry) (string, string, audit.Ref) {
		if e.Type != "login" || e.Outcome != audit.Failure {
			return "", "", audit.Ref{}
		}
		value := e.Target.ID
		if value == "" {
			value = e.ID // an unknown account: each may be another one
		}
		return e.IP, value, address(e.IP)
	})
}

// ImpossibleAdmin finds an administrator who acts from three networks at once.
func ImpossibleAdmin() auditlog.Detection {
	return counted(auditlog.Detection{
		Name: "impossible_admin", Window: 10 * time.Minute, Description: "An administrator made changes from three networks within ten minutes.",
		Advice: "Ask them. Otherwise end their sessions, revoke their tokens, and undo the changes. A VPN that is switched on looks like two networks, not three.",
	}, 3, func(e auditlog.Entry) (string, string, audit.Ref) {
		if e.Type != "admin" && e.Type != "delegation" || e.Actor.Kind != "user" {
			return "", "", audit.Ref{}
		}
		net := network(e.IP)
		if net == "" {
			return "", "", audit.Ref{}
		}
		return e.Actor.ID, net, e.Actor
	})
}

// network is what addresses of one provider have in common: the first 16 bits of
// IPv4, the first 32 of IPv6.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	bits := 32
	if a = a.Unmap(); a.Is4() {
		bits = 16
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
