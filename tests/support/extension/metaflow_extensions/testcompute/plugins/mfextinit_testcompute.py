STEP_DECORATORS_DESC = [
    ("reroute", ".compute.RerouteDecorator"),
    ("setvar", ".compute.SetVarDecorator"),
    ("elsewhere", ".compute.ElsewhereDecorator"),
    ("interpreter", ".compute.InterpreterDecorator"),
]
