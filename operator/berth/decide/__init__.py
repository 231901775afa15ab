"""Which class, and why: rules x classes -> verdicts -> choice; explanation; what would change it."""
