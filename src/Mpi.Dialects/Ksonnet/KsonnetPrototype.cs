using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Mpi.Dialects;

/// <summary>
/// A prototype of Kubeflow's ksonnet package <c>mpi-job</c> (2018 to 2019), rendered without ksonnet, which is gone
/// (spec/ksonnet-prototypes.md). Pure.
/// </summary>
public sealed class KsonnetPrototype
{
    private const string Prefix = "io.ksonnet.pkg.";

    private readonly Func<KsonnetValues, JsonArray> _objects;

    internal KsonnetPrototype(string name, string description, ImmutableArray<KsonnetParameter> parameters, Func<KsonnetValues, JsonArray> objects)
    {
        Name = name;
        Description = description;
        Parameters = parameters;
        _objects = objects;
    }

    /// <summary>As it was called on the command line, such as <c>mpi-job-simple</c>.</summary>
    public string Name { get; }

    /// <summary>As it was registered, such as <c>io.ksonnet.pkg.mpi-job-simple</c>.</summary>
    public string LongName => Prefix + Name;

    public string Description { get; }

    /// <summary>Besides <c>name</c>, which every prototype has.</summary>
    public ImmutableArray<KsonnetParameter> Parameters { get; }

    /// <summary>What <c>ks generate</c> and <c>ks show</c> would print, or every fault of the parameters.</summary>
    public KsonnetOutcome Render(KsonnetRequest request)
    {
        var values = new KsonnetValues(this, request);
        var objects = _objects(values);
        var list = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = objects };
        return new KsonnetOutcome(values.Errors.IsEmpty ? list : null, values.Errors, values.Warnings);
    }
}

/// <summary>The package.</summary>
public static class KsonnetPackage
{
    /// <summary>In the order of the package's page.</summary>
    public static ImmutableArray<KsonnetPrototype> Prototypes { get; } = [KsonnetOperator.Prototype, KsonnetJob.Simple, KsonnetJob.Custom];
}

/// <param name="Name">As a flag: <c>--gpusPerReplica</c>.</param>
/// <param name="Default">What stands for a value that is not given; <c>null</c> is literally that word, and means none.</param>
public sealed record KsonnetParameter(string Name, KsonnetType Type, string Default, string Description)
{
    /// <summary>The first generation that knows it.</summary>
    public KsonnetGeneration Since { get; init; } = KsonnetGeneration.First;
}

public enum KsonnetType
{
    Text,
    Number,

    /// <summary>Words parted by commas; more of them, in which commas stay, may be given one at a time.</summary>
    Words,
}

/// <summary>What the package was at a time.</summary>
public enum KsonnetGeneration
{
    /// <summary>Kubeflow 0.2 to 0.4: a command is one text.</summary>
    First = 1,

    /// <summary>Kubeflow 0.5 to 0.7.</summary>
    Second = 2,
}

/// <summary>One call of <c>ks generate</c> in an environment.</summary>
/// <param name="Component">Names the objects where parameter <c>name</c> does not.</param>
/// <param name="Namespace">The environment's; null for none.</param>
/// <param name="Values">Parameters that were given, by name.</param>
public sealed record KsonnetRequest(string Component, string? Namespace, KsonnetGeneration Generation, ImmutableDictionary<string, string> Values)
{
    /// <summary>Words that follow those of <see cref="Values"/>, each taken as it is, by parameter.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> MoreWords { get; init; } = ImmutableDictionary<string, ImmutableArray<string>>.Empty;
}

/// <param name="List">A <c>v1</c> <c>List</c>; null where there are errors.</param>
/// <param name="Errors">Every fault, each with its flag and what to write instead.</param>
/// <param name="Warnings">What was probably not meant.</param>
public sealed record KsonnetOutcome(JsonObject? List, ImmutableArray<string> Errors, ImmutableArray<string> Warnings);
