using Simulation;

// ./test simulation --seed N --runs M explores, --exhaustive tries everything in small worlds, --mutants tells how broken operators are found out; everything else is the test runner's.
return args switch
{
    ["--seed" or "--runs", ..] => await Exploration.MainAsync(args),
    ["--exhaustive", ..] => await Exhaustion.MainAsync(args),
    ["--mutants", ..] => await MutantTests.MainAsync(args),
    _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
};
