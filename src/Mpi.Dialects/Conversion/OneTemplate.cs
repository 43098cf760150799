using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The one pod template of a dialect that has no other for its launcher: the workers', where the ranks run, with the launcher's command.</summary>
internal static class OneTemplate
{
    private static readonly string[] Launcher = ["spec", "mpiReplicaSpecs", "Launcher", "template"];
    private static readonly string[] Worker = ["spec", "mpiReplicaSpecs", "Worker", "template"];

    /// <param name="job">A v2beta1 job. What its launcher's template says otherwise than its workers' is left.</param>
    public static JsonObject Of(JobInTransit job)
    {
        var (launcher, worker) = (job.Take(Launcher), job.Take(Worker));
        if (worker.ValueKind != JsonValueKind.Object) return Without((JsonObject)launcher.ToTree()!, "spec.mpiReplicaSpecs[Launcher].template", job);
        var template = Without((JsonObject)worker.ToTree()!, "spec.mpiReplicaSpecs[Worker].template", job);
        if (JobFields.ContainerZero(template) is not { } container) return template;
        var main = launcher.Items("spec", "containers").FirstOrDefault();
        foreach (var member in (ReadOnlySpan<string>)["command", "args"])
        {
            if (container.Remove(member)) job.Leave($"spec.mpiReplicaSpecs[Worker].template.spec.containers[0].{member}");
            JobFields.Put(container, member, main.At(member));
        }

        foreach (var path in Differences(launcher, JsonText.Parse(template), "spec.mpiReplicaSpecs[Launcher].template")) job.Leave(path);
        return template;
    }

    /// <summary>A template's own restart policy counts for nothing in v2beta1, and would here.</summary>
    private static JsonObject Without(JsonObject template, string path, JobInTransit job)
    {
        if (JobFields.PodSpec(template)?.Remove("restartPolicy") == true) job.Leave($"{path}.spec.restartPolicy");
        return template;
    }

    private static IEnumerable<string> Differences(JsonElement said, JsonElement has, string path) => (said.ValueKind, has.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => said.Members().SelectMany(m => Differences(m.Value, has.At(m.Name), $"{path}.{m.Name}")),
        (JsonValueKind.Array, JsonValueKind.Array) when said.GetArrayLength() == has.GetArrayLength() =>
            said.EnumerateArray().Zip(has.EnumerateArray()).SelectMany((pair, i) => Differences(pair.First, pair.Second, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"))),
        (_, not JsonValueKind.Undefined) when JsonElement.DeepEquals(said, has) => [],
        _ => [path],
    };
}
