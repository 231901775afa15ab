"""Which class, and why: rules x classes -> verdicts -> choice; what would change it."""
