using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary><c>kubempi operator</c>: the controller process of a cluster.</summary>
internal static class OperatorCommand
{
    private const int LookAttempts = 5;
    private static readonly TimeSpan LookPause = TimeSpan.FromSeconds(2);

    /// <summary>For all questions about rights together.</summary>
    private static readonly TimeSpan RightsLimit = TimeSpan.FromSeconds(30);

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
            if (flags.Options.Conversion is { } conversion && !await MayStartAsync(client, conversion, flags.Force, cancellation)) return ExitCode.Failure;
            await using var process = new OperatorProcess(flags.Options, new OperatorParts
            {
                Client = client,
                // What was converted by the installation's settings is read back without them.
                Dialects = flags.Options.Conversion is null ? ManifestDialects.All : ManifestDialects.WithOldVersions(ConversionSettings.Default),
                Convert = KubeflowConversion.Convert,
                Loggers = loggers,
                Identity = $"{Environment.MachineName}_{Guid.NewGuid()}",
            });
            // Nobody waits for it: an operator without some right may do most of its work.
            var rights = TellMissingRightsAsync(client, flags.Options, cancellation);
            await using var endpoints = await OperatorEndpoints.StartAsync(process, flags.Options, cancellation);
            await using var webhook = process.Conversion is { } served ? await ConversionEndpoint.StartAsync(served, TimeProvider.System, cancellation) : null;
            var exit = await OperatorHost.RunAsync(process, TimeProvider.System, cancellation);
            await rights;
            return exit == OperatorExit.Stopped ? ExitCode.Success : ExitCode.Failure;
        }
        catch (ConnectionException fault)
        {
            await Console.Error.WriteLineAsync($"kubempi operator: {fault.Message}");
            return ExitCode.Usage;
        }
    }

    /// <summary>Whether nobody else acts on the versions that profile legacy serves.</summary>
    private static async Task<bool> MayStartAsync(IKubeReader client, ConversionOptions conversion, bool force, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var others = await OtherOperators.FindAsync(client, conversion.Namespace, cancellation);
                foreach (var warning in others.Warnings) await Console.Error.WriteLineAsync($"kubempi operator: warning: {warning}");
                foreach (var refusal in others.Refusals) await Console.Error.WriteLineAsync($"kubempi operator: {(force ? "warning: " : "")}{refusal}");
                return force || others.Refusals.IsEmpty;
            }
            catch (ApiException forbidden) when (forbidden.Responsibility == Responsibility.Administrator)
            {
                // Rights without that one are somebody's wish.
                await Console.Error.WriteLineAsync($"kubempi operator: whether another operator acts on the same jobs cannot be seen: {forbidden.Message}");
                return true;
            }
            catch (Exception trouble) when (trouble is ApiException or HttpRequestException && attempt < LookAttempts)
            {
                await Task.Delay(LookPause, cancellation);
            }
            catch (Exception trouble) when (trouble is ApiException or HttpRequestException)
            {
                // The kubelet starts it again.
                await Console.Error.WriteLineAsync($"kubempi operator: the API server does not say whether another operator acts on the same jobs: {trouble.Message}");
                return false;
            }
        }
    }

    private static async Task TellMissingRightsAsync(KubeClient client, OperatorOptions options, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(RightsLimit);
        try
        {
            var rights = new OperatorRights(client);
            var needed = OperatorRights.Needed(options, await rights.ServedAsync(limit.Token));
            if (OperatorRights.Text(await rights.MissingAsync(needed, limit.Token)) is { } text) await Console.Error.WriteLineAsync($"kubempi operator: {text}");
        }
        catch (Exception unanswered) when (unanswered is ApiException or HttpRequestException or OperationCanceledException)
        {
            // A server that does not say, or is away: what is refused later is told by whoever is refused.
        }
    }

    private static string Version => typeof(OperatorCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
