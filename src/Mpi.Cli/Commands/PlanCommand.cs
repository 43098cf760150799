using System.CommandLine;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary><c>kubempi plan FILE</c>: every object that the operator would create for the jobs of a manifest, as YAML.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A manifest; - reads standard input." }.WithoutOptions();
        var flags = new Argument<string[]>("OPERATOR-FLAGS") { Description = "After --: the operator's flags on the cluster that is meant, such as -- --compat=strict", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("plan", "Print every object that the operator would create for a manifest; nothing is started and no cluster is asked.") { file, flags };
        command.SetAction(async (parsed, cancellation) =>
        {
            var read = OperatorFlags.Parse([.. parsed.GetValue(flags) ?? []], static _ => null);
            foreach (var error in read.Errors) Say(error);
            if (!read.Errors.IsEmpty || ManifestFile.Read(parsed.GetRequiredValue(file), Console.Error.WriteLine) is not { } manifest) return ExitCode.Usage;
            try
            {
                var rehearsal = await Rehearsal.RunAsync([.. manifest.Objects.Select(static o => (o.Kind, o.Object))], read.Options, cancellation);
                await Console.Out.WriteAsync(string.Join("---\n", rehearsal.Created.Select(Text)));
                return Tell(rehearsal) ? ExitCode.Success : ExitCode.Failure;
            }
            catch (ApiException refused)
            {
                Say(refused.Message);
                return ExitCode.Usage;
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Interrupted;
            }
        });
        return command;
    }

    /// <returns>Whether each job gets its launcher.</returns>
    private static bool Tell(Rehearsal rehearsal)
    {
        var complete = true;
        foreach (var job in rehearsal.Jobs)
        {
            if (rehearsal.Created.Any(o => o.Kind == Kinds.Job.Kind && o.Meta.Controller?.Uid == job.Meta.Uid)) continue;
            complete = false;
            var reasons = job.Root.Items("status", "conditions").Where(static c => c.Text("type") is not ("Created" or "Suspended") && c.Text("status") == "True").Select(static c => c.Text("message")).ToList();
            Say($"{job.Meta.Key} gets no launcher: {(reasons.Count > 0 ? string.Join("; ", reasons) : "the operator leaves it to another manager (spec.runPolicy.managedBy, or --namespace)")}");
        }

        return complete;
    }

    private static string Text(KubeObject made)
    {
        if (made.Kind != Kinds.Secret.Kind) return Yaml.Write(made.Root);
        var tree = made.ToTree();
        foreach (var member in (string[])["data", "stringData"])
        {
            if (tree[member] is JsonObject values) tree[member] = new JsonObject(values.Select(static v => KeyValuePair.Create(v.Key, (JsonNode?)"")));
        }

        return $"# Its values are made anew for each job.\n{Yaml.Write(KubeObject.From(tree).Root)}";
    }

    private static void Say(string what) => Console.Error.WriteLine($"kubempi plan: {what}");
}
