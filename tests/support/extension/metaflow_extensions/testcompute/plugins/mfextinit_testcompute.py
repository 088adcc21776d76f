STEP_DECORATORS_DESC = [
    ("reroute", ".compute.RerouteDecorator"),
    ("setvar", ".compute.SetVarDecorator"),
]
