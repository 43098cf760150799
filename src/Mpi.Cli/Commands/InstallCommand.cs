using System.Collections.Immutable;
using System.CommandLine;
using Kube.Client;
using Kube.Types;

namespace Mpi.Cli;

/// <summary><c>kubempi install</c>: the operator into the cluster of the current kubeconfig, or its manifests onto standard output.</summary>
internal static class InstallCommand
{
    public static Command Create()
    {
        var place = new InstallPlace();
        var print = new Option<bool>("--print") { Description = "Print the manifests instead of applying them." };
        var image = new Option<string?>("--image") { Description = "The operator's image.", HelpName = "IMAGE" };
        var agent = new Option<string?>("--agent-image") { Description = "The image that delivers the agent into launchers' pods.", HelpName = "IMAGE" };
        var timeout = new Option<TimeSpan>("--timeout")
        {
            Description = "How long to wait until the operator runs, such as 90s; 0 does not wait.",
            HelpName = "DURATION",
            DefaultValueFactory = static _ => TimeSpan.FromMinutes(2),
            CustomParser = static result =>
            {
                if (!GoDuration.TryParse(result.Tokens[0].Value, out var limit)) result.AddError($"--timeout: \"{result.Tokens[0].Value}\" is no duration such as 90s or 5m");
                return limit;
            },
        };
        var force = new Option<bool>("--force") { Description = "Install beside an operator in another namespace that serves the whole cluster, too." };
        var flags = new Argument<string[]>("OPERATOR-FLAGS") { Description = "After --: more flags for the operator, such as -- --cluster-domain=cluster.local", Arity = ArgumentArity.ZeroOrMore };

        var command = new Command("install", "Install the operator into the cluster of the current kubeconfig.") { print, image, agent, timeout, force, flags };
        place.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = place.Read(parsed) with { Image = parsed.GetValue(image), AgentImage = parsed.GetValue(agent), Flags = [.. parsed.GetValue(flags) ?? []] };
            if (options.Flags.Any(static f => f.TrimStart('-').StartsWith("profile", StringComparison.Ordinal)))
            {
                await Console.Error.WriteLineAsync("kubempi install: the profile is more than a flag of the operator: kubempi install --profile legacy");
                return ExitCode.Usage;
            }

            if (OperatorFlags.Parse([.. options.Flags, $"--profile={(options.Legacy ? "legacy" : "v2beta1")}"], static _ => null) is { Errors: { IsEmpty: false } errors })
            {
                foreach (var error in errors) await Console.Error.WriteLineAsync($"kubempi install: {error}");
                return ExitCode.Usage;
            }

            var objects = OperatorManifests.Render(options);
            if (parsed.GetValue(print))
            {
                await Console.Out.WriteAsync(string.Join("---\n", objects.Select(static o => Yaml.Write(KubeObject.From(o).Root))));
                return ExitCode.Success;
            }

            return await place.WithClusterAsync(parsed, "install", (installer, line) => InstallAsync(installer, line, objects, options, parsed.GetValue(timeout), parsed.GetValue(force), cancellation));
        });
        return command;
    }

    private static async Task<int> InstallAsync(ClusterInstaller installer, StatusLine line, ImmutableArray<System.Text.Json.Nodes.JsonObject> objects, InstallOptions options, TimeSpan limit, bool force, CancellationToken cancellation)
    {
        var ns = OperatorManifests.NamespaceOf(objects);

        // 1. Two operators for one set of jobs must not be.
        if (!force && await installer.FindOtherAsync(ns, cancellation) is { } other)
        {
            line.Say($"kubempi: namespace {other} has an operator for the whole cluster already; both would act on the same jobs. Install into that namespace to replace it (kubempi install --namespace {other}), or remove it first.");
            return ExitCode.Usage;
        }

        if (options.Legacy && !await MayServeLegacyAsync(installer, line, ns, force, cancellation)) return ExitCode.Usage;

        // 2. Apply. The API server takes no definition that names a webhook and does not ask for one.
        if (options is { Legacy: false, Overlay: not "namespaced" }) await installer.EndConversionAsync(ns, cancellation);
        await installer.ApplyAsync(objects, cancellation);
        if (limit <= TimeSpan.Zero) return ExitCode.Success;

        // 3. Wait until it runs.
        var kept = await installer.WaitAsync(ns, limit, cancellation);
        line.Show("");
        if (kept is null)
        {
            // 4. What older operators stored. The operator would do it, too; here somebody sees it done.
            if (options.Legacy && !await installer.MigrateAsync(limit, cancellation)) return ExitCode.TimedOut;
            line.Show("");
            line.Say($"The operator runs in namespace {ns} and serves {(options.Overlay == "namespaced" ? "that namespace" : "all namespaces")}.");
            return ExitCode.Success;
        }

        line.Say($"kubempi: not running after {limit.TotalSeconds:0} s: {kept}");
        line.Say($"kubempi: everything was applied; kubectl -n {ns} rollout status deployment/{OperatorManifests.Name} goes on waiting");
        return ExitCode.TimedOut;
    }

    /// <summary>Whether nobody else acts on the versions that profile legacy serves; asked before its definition replaces theirs.</summary>
    private static async Task<bool> MayServeLegacyAsync(ClusterInstaller installer, StatusLine line, string ns, bool force, CancellationToken cancellation)
    {
        var others = await installer.FindOthersOfLegacyAsync(ns, cancellation);
        foreach (var warning in others.Warnings) line.Say($"kubempi: warning: {warning}");
        foreach (var refusal in others.Refusals) line.Say($"kubempi: {(force ? "warning: " : "")}{refusal}");
        return force || others.Refusals.IsEmpty;
    }
}
