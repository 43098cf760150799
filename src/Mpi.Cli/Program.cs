using System.CommandLine;
using Mpi.Cli;

var root = new RootCommand("Runs MPI jobs from Kubernetes manifests: on this machine without a cluster, or on a cluster as an operator.");
using var interruption = new Interruption();
var code = await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, interruption.Token);
return interruption.ExitCode ?? code;
