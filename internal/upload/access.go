package upload

import "exeunt/internal/who"

// owns says whether an upload is the account's own. Nobody else hears that it is there.
func owns(account who.ID, u Upload) bool { return account != 0 && u.Account == account }

// resumes says whether an upload can be gone on with, and asked after, by the protocol.
func resumes(u Upload) bool { return u.State != posted }
