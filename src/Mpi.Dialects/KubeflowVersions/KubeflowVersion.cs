using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// One of kubeflow's old versions of MPIJob: how its fields translate to those of the stored version and back, and what its jobs were promised
/// when they run. Translating says what is meant and may lose what the other side cannot express; <see cref="KubeflowConversion"/> keeps that.
/// Everything here is total: a field of the wrong type is left out or handed on as it is, and nothing throws.
/// </summary>
internal abstract class KubeflowVersion(string version)
{
    public const string Group = "kubeflow.org";

    /// <summary>Such as <c>v1alpha2</c>; the value of annotation <see cref="KubeMpiAnnotations.Origin"/>.</summary>
    public string Version { get; } = version;

    public ResourceKind Kind { get; } = new(Group, version, "MPIJob", "mpijobs");

    /// <summary>Its fields, as <see cref="IManifestDialect.Fields"/>, the whole manifest's first; roles and run policy are the stored version's.</summary>
    public abstract string Fields { get; }

    /// <summary>The meaning in the stored version's words. What it cannot hold, or holds in the wrong type, need not be sorted out here: <see cref="HubSchema"/> does.</summary>
    /// <param name="job">An object of this version.</param>
    /// <param name="settings">The installation's.</param>
    public abstract JsonObject ToHub(JsonElement job, ConversionSettings settings);

    /// <summary>The nearest that this version can say of an object of the stored version.</summary>
    public abstract JsonObject FromHub(JsonElement job);

    /// <summary>
    /// What of the fields stands or falls together: of an object that was edited through the other version a kept value is used with all of its
    /// group or not at all.
    /// </summary>
    /// <param name="path">Such as <c>spec, runPolicy, backoffLimit</c>, in this version's words.</param>
    public virtual string GroupOf(ReadOnlySpan<string> path) => Default(path);

    /// <summary>A path of the stored version as a user of this version writes it.</summary>
    public abstract string PathOf(string hubPath, JsonElement job);

    /// <summary>What is wrong with a job that no field of the stored version shows.</summary>
    public virtual ImmutableArray<FieldError> Faults(JsonElement job, ConversionSettings settings) => [];

    /// <summary>The labels, names and habits that this version promised, beside those of the stored one.</summary>
    public abstract RunProfile Profile(RunProfile hub);

    /// <summary>The run as this version meant it, where it chose otherwise than the stored version does.</summary>
    /// <param name="run">As the stored version reads it.</param>
    /// <param name="job">As its user wrote it.</param>
    public abstract MpiRun Run(MpiRun run, JsonElement job);

    public abstract RunWiring Wiring(MpiRun run);

    /// <summary>Whether a job says that it is restarting while its launcher is tried again.</summary>
    public virtual bool SaysRestarting => false;

    /// <summary>One group a field of the spec, of a role and of the run policy.</summary>
    public static string Default(ReadOnlySpan<string> path)
    {
        var depth = path switch
        {
            ["spec", "mpiReplicaSpecs", ..] => 4,
            ["spec", "runPolicy", ..] => 3,
            _ => 2,
        };
        return string.Join('.', path[..Math.Min(depth, path.Length)].ToArray());
    }
}
