using System.CommandLine;
using System.CommandLine.Invocation;

namespace Mpi.Cli;

/// <summary>The verbs that people type, and how a command line becomes an exit code.</summary>
internal static class CommandLine
{
    public static RootCommand Create() => new("Runs MPI jobs from Kubernetes manifests: on this machine without a cluster, or on a cluster as an operator.")
    {
        RunCommand.Create(),
        UpCommand.Create(),
        DownCommand.Create(),
        ValidateCommand.Create(),
        PlanCommand.Create(),
        ConvertCommand.Create(),
        RenderCommand.Create(),
        ImageCommand.Create(),
        DoctorCommand.Create(),
        InstallCommand.Create(),
        UninstallCommand.Create(),
        OperatorCommand.Describe(),
    };

    /// <summary>Runs the verb. What is no command line of ours is told with the help of the nearest one that is.</summary>
    /// <returns>One of <see cref="ExitCode"/>, or what the verb says.</returns>
    public static async Task<int> RunAsync(string[] arguments, InvocationConfiguration configuration, CancellationToken cancellation)
    {
        var parsed = Create().Parse(arguments is ["render", ..] ? RenderCommand.TieValues(arguments) : arguments);
        var code = await parsed.InvokeAsync(configuration, cancellation);
        return parsed.Action is ParseErrorAction ? ExitCode.Usage : code;
    }
}
