package main

type showCmd struct {
	viewFlags
	File string `arg:"" help:"A plan saved with \"dmoctl plan --out\"."`
}

// Run prints a saved plan.
func (c *showCmd) Run(a *app) error {
	p, err := a.readPlan(c.File)
	if err != nil {
		return err
	}
	return a.show(p, c.viewFlags)
}
