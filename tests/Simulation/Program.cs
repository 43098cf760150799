using Simulation;

// ./test simulation --seed N --runs M explores, --agents does so with the agent in the pods, --exhaustive tries everything in small worlds, --mutants tells how broken operators are found out; everything else is the test runner's.
return args switch
{
    ["--seed" or "--runs", ..] => await Exploration.MainAsync(args),
    ["--agents", .. var which] => await Exploration.MainAsync(which, Scenario.DrawWithAgents),
    ["--exhaustive", ..] => await Exhaustion.MainAsync(args),
    ["--mutants", ..] => await MutantTests.MainAsync(args),
    _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
};
