using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>Prototypes <c>mpi-job-simple</c> (so many GPUs in all) and <c>mpi-job-custom</c> (so many workers of so many GPUs).</summary>
internal static class KsonnetJob
{
    /// <summary>GPUs a node that the package's CRD takes for granted.</summary>
    private const int GpusOfNode = 8;

    private static readonly ImmutableArray<KsonnetParameter> ContainerParameters =
    [
        new("image", KsonnetType.Text, "mpioperator/tensorflow-benchmarks:latest", "The image to use for the job."),
        new("command", KsonnetType.Words, "null", "The command, its words parted by commas (generation 1: one text, as it is); the image's own where it is not given."),
        new("args", KsonnetType.Words, "null", "The command's arguments, parted by commas."),
    ];

    public static KsonnetPrototype Simple { get; } = new(
        "mpi-job-simple",
        "A job by its number of GPUs: a v1alpha1 MPIJob.",
        [new("gpus", KsonnetType.Number, "1", "GPUs of the whole job: 1, 2, 4 or a multiple of 8."), .. ContainerParameters],
        static values => Job(values, "gpus", Gpus(values), Container(values), null));

    public static KsonnetPrototype Custom { get; } = new(
        "mpi-job-custom",
        "A job by its number of workers and the GPUs of each: a v1alpha1 MPIJob.",
        [
            new("replicas", KsonnetType.Number, "1", "Workers."),
            new("gpusPerReplica", KsonnetType.Number, "1", "GPUs of each worker; 0 for none."),
            .. ContainerParameters,
            new("pvcName", KsonnetType.Text, "null", "A PersistentVolumeClaim to mount, together with volumeMountPath.") { Since = KsonnetGeneration.Second },
            new("volumeMountPath", KsonnetType.Text, "null", "Where to mount it.") { Since = KsonnetGeneration.Second },
        ],
        static values =>
        {
            var replicas = values.Number("replicas", least: 1);
            var container = Container(values);
            container["resources"] = new JsonObject { ["limits"] = new JsonObject { ["nvidia.com/gpu"] = values.Number("gpusPerReplica", least: 0) } };
            return Job(values, "replicas", replicas, container, Mount(values, container));
        });

    private static JsonArray Job(KsonnetValues values, string sizeField, int size, JsonObject container, JsonObject? volume)
    {
        var pod = new JsonObject { ["containers"] = new JsonArray(container) };
        if (volume is not null) pod["volumes"] = new JsonArray(volume);
        return new JsonArray(new JsonObject
        {
            ["apiVersion"] = "kubeflow.org/v1alpha1",
            ["kind"] = "MPIJob",
            ["metadata"] = values.Metadata(),
            ["spec"] = new JsonObject { [sizeField] = size, ["template"] = new JsonObject { ["spec"] = pod } },
        });
    }

    private static JsonObject Container(KsonnetValues values)
    {
        var container = new JsonObject { ["name"] = values.Name, ["image"] = values.Text("image") };
        if (Command(values) is { } command) container["command"] = command;
        if (values.Words("args") is { IsEmpty: false } arguments) container["args"] = arguments.ToTree();
        return container;
    }

    private static JsonNode? Command(KsonnetValues values)
    {
        if (values.Generation == KsonnetGeneration.Second) return values.Words("command") is { IsEmpty: false } words ? words.ToTree() : null;
        if (values.HasMoreWords("command")) values.Refuse("command", "generation 1 writes the command as one text, which cannot hold single words; leave --generation 1 out");
        return values.Whole("command");
    }

    private static int Gpus(KsonnetValues values)
    {
        var gpus = values.Number("gpus", least: 1);
        if (gpus is 1 or 2 or 4 || gpus % GpusOfNode == 0) return gpus;
        var (below, above) = gpus < GpusOfNode ? (gpus < 4 ? 2 : 4, gpus < 4 ? 4 : GpusOfNode) : (gpus / GpusOfNode * GpusOfNode, ((gpus / GpusOfNode) + 1) * GpusOfNode);
        values.Refuse("gpus", string.Create(
            CultureInfo.InvariantCulture, $"{gpus} is not 1, 2, 4 or a multiple of {GpusOfNode}; the next ones are {below} and {above}. Prototype {Custom.Name} takes any number, such as --replicas {gpus} --gpusPerReplica 1"));
        return gpus;
    }

    /// <returns>The volume that the container then mounts; null for none.</returns>
    private static JsonObject? Mount(KsonnetValues values, JsonObject container)
    {
        const string volume = "persistent-storage";
        var (claim, path) = (values.Optional("pvcName"), values.Optional("volumeMountPath"));
        // The package left a volume out without a word when one half was missing.
        if (claim is null && path is not null) values.Refuse("pvcName", "is missing, and without it nothing is mounted at --volumeMountPath");
        if (claim is not null && path is null) values.Refuse("volumeMountPath", "is missing, and without it the claim of --pvcName is not mounted");
        if (claim is null || path is null) return null;
        if (claim.Length == 0) values.Refuse("pvcName", "must not be empty");
        if (!path.StartsWith('/')) values.Refuse("volumeMountPath", $"\"{path}\" is no absolute path");
        container["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = volume, ["mountPath"] = path });
        return new JsonObject { ["name"] = volume, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = claim } };
    }
}
