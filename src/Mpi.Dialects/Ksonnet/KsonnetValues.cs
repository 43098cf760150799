using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The parameters of one rendering, checked as they are read; every fault is gathered.</summary>
internal sealed class KsonnetValues
{
    /// <summary>How ksonnet's parameters, which are all texts, say that there is nothing.</summary>
    private const string Nothing = "null";

    private readonly KsonnetPrototype _prototype;
    private readonly KsonnetRequest _request;
    private readonly ImmutableArray<string>.Builder _errors = ImmutableArray.CreateBuilder<string>();
    private readonly ImmutableArray<string>.Builder _warnings = ImmutableArray.CreateBuilder<string>();

    public KsonnetValues(KsonnetPrototype prototype, KsonnetRequest request)
    {
        _prototype = prototype;
        _request = request;
        Name = request.Values.GetValueOrDefault("name", request.Component);
        foreach (var fault in Names.CheckDns1123Label(Name)) Refuse("name", $"\"{Name}\": {fault}");
        foreach (var parameter in prototype.Parameters)
        {
            if (parameter.Since > Generation && IsGiven(parameter.Name)) Refuse(parameter.Name, "generation 1 has no such parameter; leave --generation 1 out, or this");
        }
    }

    /// <summary>Of every object, and of a job's container.</summary>
    public string Name { get; }

    public string? Namespace => _request.Namespace;
    public KsonnetGeneration Generation => _request.Generation;
    public ImmutableArray<string> Errors => _errors.ToImmutable();
    public ImmutableArray<string> Warnings => _warnings.ToImmutable();

    public void Refuse(string parameter, string fault) => _errors.Add($"--{parameter}: {fault}.");

    public void Warn(string warning) => _warnings.Add(warning);

    /// <summary>Name and namespace; a namespace that is not given is left out rather than empty.</summary>
    public JsonObject Metadata()
    {
        var metadata = new JsonObject { ["name"] = Name };
        if (Namespace is not null) metadata["namespace"] = Namespace;
        return metadata;
    }

    public string Text(string parameter)
    {
        var text = Given(parameter);
        if (text.Length == 0) Refuse(parameter, "must not be empty");
        return text;
    }

    /// <summary>Null where the text is literally <c>null</c>, as it is when the parameter is not given.</summary>
    public string? Optional(string parameter) => IsGiven(parameter) && Given(parameter) is var text and not Nothing ? text : null;

    /// <summary>A whole number; <paramref name="least"/> where the text is none, with a fault told.</summary>
    public int Number(string parameter, int least)
    {
        var text = Given(parameter);
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least) return number;
        Refuse(parameter, string.Create(CultureInfo.InvariantCulture, $"\"{text}\" is no whole number of {least} or more"));
        return least;
    }

    /// <summary>
    /// Words as the package parts them: at each comma and without trimming. An empty text was one empty word; nobody meant
    /// that, so it is none.
    /// </summary>
    public ImmutableArray<string> Words(string parameter)
    {
        ImmutableArray<string> words = Whole(parameter) is { } text ? [.. text.Split(',')] : [];
        foreach (var word in words.Where(static w => w.Length == 0 || char.IsWhiteSpace(w[0]) || char.IsWhiteSpace(w[^1])))
        {
            Warn(word.Length == 0 ? $"--{parameter}: a comma too many makes an empty word." : $"--{parameter}: the blanks in \"{word}\" are kept, as the package kept them.");
        }

        return [.. words, .. _request.MoreWords.GetValueOrDefault(parameter, [])];
    }

    /// <summary>The same text with its commas; null where there is none.</summary>
    public string? Whole(string parameter)
    {
        if (Optional(parameter) is not { } text) return null;
        if (text.Length > 0) return text;
        Warn($"--{parameter}: the empty text is taken for none.");
        return null;
    }

    public bool HasMoreWords(string parameter) => _request.MoreWords.ContainsKey(parameter);

    private bool IsGiven(string parameter) => _request.Values.ContainsKey(parameter);

    private string Given(string parameter) => _request.Values.GetValueOrDefault(parameter, _prototype.Parameters.Single(p => p.Name == parameter).Default);
}
