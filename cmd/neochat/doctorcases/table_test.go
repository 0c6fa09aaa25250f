package doctorcases

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// outcome is what came of a trial.
type outcome struct {
	trial
	found  []string // faults, in the order found
	remedy string   // "right", or what it says
}

// TestCases breaks a server in each way. With NEOCHAT_DOCTOR_CASES=all it tries every case, else the quick ones; its value may also be numbers, separated by commas.
func TestCases(t *testing.T) {
	chosen := os.Getenv("NEOCHAT_DOCTOR_CASES")
	var outcomes []outcome
	for _, one := range trials() {
		if chosen == "" && !one.quick || chosen != "" && chosen != "all" && !slices.Contains(strings.Split(chosen, ","), one.number) {
			continue
		}
		t.Run(one.number+" "+one.title, func(t *testing.T) {
			o := outcome{trial: one, remedy: "-"}
			defer func() { outcomes = append(outcomes, o) }()
			o.judge(t, one.perform(t))
		})
	}
	fmt.Print(table(outcomes))
}

// judge holds what was found against what is broken.
func (o *outcome) judge(t *testing.T, all []finding) {
	var shown []string
	for _, f := range all {
		shown = append(shown, fmt.Sprintf("%-4s %-12s %s\n          → %s", f.State, f.Check, f.Note, f.Remedy))
		if f.Fault == "" {
			continue
		}
		if !slices.Contains(o.found, f.Fault) {
			o.found = append(o.found, f.Fault)
		}
		if !slices.Contains(o.want, f.Fault) && !slices.Contains(o.also, f.Fault) {
			t.Errorf("%s was found, which is not what is broken", f.Fault)
		}
		if len(o.want) > 0 && f.Fault == o.want[0] {
			o.remedy = "right"
			if !strings.Contains(f.Remedy, o.trial.remedy) {
				o.remedy = f.Remedy
				t.Errorf("the remedy does not say %q: %s", o.trial.remedy, f.Remedy)
			}
		}
		if strings.Contains(f.Note+f.Remedy, "{") {
			t.Errorf("something is missing in %q and %q", f.Note, f.Remedy)
		}
	}
	for _, want := range o.want {
		if !slices.Contains(o.found, want) {
			t.Errorf("%s was not found", want)
		}
	}
	if len(all) == 0 {
		t.Error("nothing was looked at")
	}
	if t.Failed() {
		t.Logf("all that was found:\n%s", strings.Join(shown, "\n"))
	}
}

func table(outcomes []outcome) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nNUMBER\tCASE\tEXPECTED\tFOUND\tREMEDY")
	for _, o := range outcomes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.number, o.title, listed(o.want), listed(o.found), o.remedy)
	}
	w.Flush()
	return b.String()
}

func listed(faults []string) string {
	if len(faults) == 0 {
		return "nothing"
	}
	return strings.Join(faults, ", ")
}
