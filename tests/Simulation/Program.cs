using Simulation;

// ./test simulation --seed N --runs M explores, --agents does so with what runs in the pods, --exhaustive tries everything in small worlds, --mutants tells how broken operators are found out; everything else is the test runner's.
return args switch
{
    ["--seed" or "--runs", ..] => await Exploration.MainAsync(args),
    ["--agents", "--transport", ("agent" or "ssh" or "exec") and var transport, .. var which] => await Exploration.MainAsync(which, seed => Scenario.DrawWithAgents(seed, transport)),
    ["--agents", .. var which] => await Exploration.MainAsync(which, static seed => Scenario.DrawWithAgents(seed)),
    ["--exhaustive", ..] => await Exhaustion.MainAsync(args),
    ["--mutants", ..] => await MutantTests.MainAsync(args),
    _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
};
