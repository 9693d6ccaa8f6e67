// Package exit carries people out of a platform: it turns an operator's policy
// and the facts about a subject into a plan, shows it, agrees it, carries it out
// step by step and leaves a receipt for every step.
//
// It knows nothing of circles, channels or any other product. Whoever keeps data
// implements [Holder], declares its classes, and registers it with an [Engine].
// The package uses the standard library and a YAML decoder only; a run store on
// database/sql is in exit/exitsql, conformance suites are in exit/exittest.
//
// The one idea: everything that a platform owes a leaving person is a dated step
// of one plan. The plan that is previewed is the plan that is agreed, the plan
// that is carried out, and the plan that is certified.
package exit
