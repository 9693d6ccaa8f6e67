package service

import "net"

// Network gives the part of an address, "host:port" or a host alone, by which those without an account are told apart: of an IPv6 address the
// first 64 bits, which a household has (RFC 6177).
func Network(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}
