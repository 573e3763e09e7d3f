package main

// compared lists what a comparison of structures has to find, and where.
func compared() []string {
	return []string{"part by part", "on a PostgreSQL target", "on a SQLite target", "on a simulated SAP HANA", "no false alarm between engines"}
}
