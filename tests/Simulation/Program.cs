using Simulation;

// ./test simulation --seed N --runs M explores; everything else is the test runner's.
return args is ["--seed" or "--runs", ..] ? await Exploration.MainAsync(args) : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
