using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Kube.Client;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary><c>kubempi operator</c>: the controller process of a cluster.</summary>
internal static class OperatorCommand
{
    /// <summary>For the list of verbs; the flags are Go's and are read by <see cref="OperatorFlags"/>.</summary>
    public static Command Describe() => new("operator", "Run the operator (the flags of kubeflow/mpi-operator are accepted).");

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var flags = OperatorFlags.Parse(arguments, Environment.GetEnvironmentVariable);
        foreach (var note in flags.Notes) await Console.Error.WriteLineAsync($"kubempi operator: {note}");
        if (!flags.Errors.IsEmpty)
        {
            foreach (var error in flags.Errors) await Console.Error.WriteLineAsync($"kubempi operator: {error}");
            return ExitCode.Usage;
        }

        if (flags.Version)
        {
            await Console.Out.WriteLineAsync($"API Version: v2\nVersion: {Version}\nRuntime: {RuntimeInformation.FrameworkDescription}\nOS/Arch: linux/{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}");
            return ExitCode.Success;
        }

        using var loggers = LoggerFactory.Create(static logging => logging
            .AddSimpleConsole(static o => { o.SingleLine = true; o.UseUtcTimestamp = true; o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ "; o.ColorBehavior = Microsoft.Extensions.Logging.Console.LoggerColorBehavior.Disabled; })
            .AddFilter("Microsoft", LogLevel.Warning));
        try
        {
            var connection = ClusterConnection.Load(new ClusterConnectionOptions(flags.Kubeconfig, Server: flags.Master), TimeProvider.System);
            using var client = connection.CreateClient(KubeClientOptions.Default with { UserAgent = $"kubempi-operator/{Version}" }, TimeProvider.System);
            await using var process = new OperatorProcess(flags.Options, new OperatorParts
            {
                Client = client,
                Dialects = ManifestDialects.All,
                Loggers = loggers,
                Identity = $"{Environment.MachineName}_{Guid.NewGuid()}",
            });
            await using var endpoints = await OperatorEndpoints.StartAsync(process, flags.Options, cancellation);
            return await OperatorHost.RunAsync(process, TimeProvider.System, cancellation) == OperatorExit.Stopped ? ExitCode.Success : ExitCode.Failure;
        }
        catch (ConnectionException fault)
        {
            await Console.Error.WriteLineAsync($"kubempi operator: {fault.Message}");
            return ExitCode.Usage;
        }
    }

    private static string Version => typeof(OperatorCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
