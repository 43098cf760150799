using System.CommandLine;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Cli;

using var interruption = new Interruption();
var code = args switch
{
    // Roles that are started by machines and not typed by people have command lines of their own. The kernel puts the file whose interpreter line
    // names this program in front of the arguments (HostAgent):   kubempi /kubempi/kubempi-agent worker
    [var file, .. var role] when Path.GetFileName(file) == AgentContract.FileName => await AgentProgram.RunAsync(role, AgentEnvironment.OfThisProcess() with { Program = file }, interruption.Token),
    ["agent", .. var role] => await AgentProgram.RunAsync(role, AgentEnvironment.OfThisProcess(), interruption.Token),
    ["operator", .. var flags] => await OperatorCommand.RunAsync(flags, interruption.Token),
    _ => await CommandLine.RunAsync(args, new InvocationConfiguration { ProcessTerminationTimeout = null }, interruption.Token),
};
// An operator that was asked to end, and has ended in order, is no failure: a cluster would report one for any other code.
return args is ["operator", ..] ? code : interruption.ExitCode ?? code;
