package account

// mayAdminister reports whether a role may invite and remove administrators.
func mayAdminister(kind Kind, role string) bool {
	return kind == Organisation && role == roleAdministrator
}
