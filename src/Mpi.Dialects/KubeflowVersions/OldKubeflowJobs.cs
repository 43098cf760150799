using System.Globalization;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Jobs that are stored as v2beta1 and were written in an old version: read as stored, judged and run as written.</summary>
internal static class OldKubeflowJobs
{
    /// <summary>Every fault has the path that the user wrote.</summary>
    public static ParseResult Parse(JsonElement hub, KubeflowVersion origin, ConversionSettings settings)
    {
        var job = KubeflowConversion.AsWritten(hub, origin, settings);
        var parsed = new KubeflowV2Beta1Parser(hub).Parse();
        if (parsed is ParseResult.ManagedElsewhere) return parsed;

        var faults = KubeflowConversion.Unfit(job, origin, settings);
        // A sum that does not come out has left the stored job without workers. One that has some was given them since.
        if (!hub.Has("spec", "mpiReplicaSpecs", "Worker")) faults.AddRange(origin.Faults(job, settings));
        if (parsed is ParseResult.Rejected rejected)
        {
            // The parser has the better words for what is missing. But what did not fit is not there: that it is missing need not be told as well.
            faults.RemoveAll(f => f.Kind == FieldErrorKind.Required && rejected.Errors.Any(e => e.Path == f.Path));
            faults.AddRange(rejected.Errors.Where(e => !faults.Exists(f => IsWithin(f.Path, e.Path) || IsWithin(e.Path, f.Path))));
        }

        return parsed is ParseResult.Run { Value: var run } && faults.Count == 0
            ? new ParseResult.Run(origin.Run(run with { Dialect = origin.Kind.ApiVersion, Warnings = [.. TextCommands(job)] }, job))
            : new ParseResult.Rejected([.. faults.Select(f => f with { Path = origin.PathOf(f.Path, job) }).DistinctBy(static f => (f.Path, f.Detail))]);
    }

    /// <summary>ksonnet's prototypes of the first generation wrote a command as one text (spec/ksonnet-prototypes.md 6).</summary>
    private static IEnumerable<ManifestWarning> TextCommands(JsonElement job)
    {
        var roles = job.Members("spec", "mpiReplicaSpecs").Select(static role => ($"spec.mpiReplicaSpecs[{role.Name}].template", role.Value.At("template")));
        foreach (var (path, template) in roles.Prepend(("spec.template", job.At("spec", "template"))))
        {
            foreach (var (list, index, text) in JobFields.TextCommands(template))
            {
                var read = JobFields.WordsOf(text) is { IsEmpty: false } words ? $"the words {string.Join(", ", words.Select(static w => $"\"{w}\""))}" : "none";
                yield return new ManifestWarning(string.Create(CultureInfo.InvariantCulture, $"{path}.spec.{list}[{index}].command"), $"is one text, \"{text}\", and is read as {read}; write it as a list", "CommandWasString");
            }
        }
    }

    private static bool IsWithin(string path, string other) => path.StartsWith(other, StringComparison.Ordinal) && (path.Length == other.Length || path[other.Length] is '.' or '[');

    /// <summary>What both roles' pods and the launcher's rights are called, and where MPI finds its files: the same in all old versions.</summary>
    public static RunProfile Profile(RunProfile hub) => hub with
    {
        BareHosts = true,
        Access = new LauncherAccess(hub.Launcher, hub.Launcher, hub.Launcher, Always: true),
    };

    /// <summary>
    /// Over the agent where the worker's command is ours to choose; where it brings its own, through the API, as it always was. Ranks belong in the
    /// main container, and only the first one can be given the agent.
    /// </summary>
    public static MpiRun Choose(MpiRun run, JsonElement job)
    {
        if (job.Has("metadata", "annotations", KubeMpiAnnotations.Transport)) return run;
        var container = run.Workers.Template.Items("spec", "containers").FirstOrDefault();
        var ownCommand = container.Items("command").Any();
        var elsewhere = run.MainContainer is { Length: > 0 } main && container.Has() && main != container.Text("name");
        return run with
        {
            Transport = ownCommand ? new TransportChoice(Transport.Exec, $"a job of {run.Dialect} whose workers have a command of their own")
                : elsewhere ? new TransportChoice(Transport.Exec, $"a job of {run.Dialect} whose mainContainer is not the first one")
                : new TransportChoice(Transport.Agent, $"the default of {run.Dialect}"),
        };
    }
}
