using System.Text.Json;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Mpi.Dialects;

/// <summary>What transport agent asks of a worker's template: its main process is the agent, which starts the ranks.</summary>
internal static class AgentWorker
{
    public static void Check(JsonElement template, string path, FieldReader reader)
    {
        var container = template.Items("spec", "containers").FirstOrDefault();
        var words = container.Items("command").Concat(container.Items("args")).Where(static w => w.ValueKind == JsonValueKind.String).Select(static w => w.GetString()!).ToList();
        // A script that prepares something and becomes the agent in the end serves as well.
        if (words.Count == 0 || words.Exists(static w => w.Contains(AgentContract.FileName, StringComparison.Ordinal))) return;
        var field = container.Items("command").Any() ? "command" : "args";
        reader.Add(FieldError.Invalid(
            $"{path}.spec.containers[0].{field}",
            $"\"{string.Join(' ', words)}\"",
            $"must be left out with transport agent ({KubeMpiAnnotations.Transport}): the worker runs the agent, which starts the ranks",
            $"Remove command and args, or end a script of your own with: exec {AgentContract.MountPath}/{AgentContract.FileName} {AgentContract.WorkerRole}"));
    }
}
