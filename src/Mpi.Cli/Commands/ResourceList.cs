using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>Resources with their amounts as options name them: <c>cpu=64,nvidia.com/gpu=8</c>.</summary>
internal static class ResourceList
{
    public static ImmutableSortedDictionary<string, string> Empty { get; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>An option that may be repeated; of one resource the last amount counts.</summary>
    public static Option<ImmutableSortedDictionary<string, string>> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NAME=COUNT,...",
        CustomParser = Read,
        DefaultValueFactory = static _ => Empty,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    public static string Text(ImmutableSortedDictionary<string, string> list) => string.Join(',', list.Select(static r => $"{r.Key}={r.Value}"));

    public static ImmutableDictionary<string, Quantity> Amounts(ImmutableSortedDictionary<string, string> list) =>
        list.ToImmutableDictionary(static r => r.Key, static r => Quantity.Parse(r.Value), StringComparer.Ordinal);

    private static ImmutableSortedDictionary<string, string> Read(ArgumentResult result)
    {
        var read = Empty;
        foreach (var part in result.Tokens.SelectMany(static t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (part.Split('=', 2) is [{ Length: > 0 } name, var amount] && Quantity.TryParse(amount, out var quantity, out _) && quantity >= default(Quantity)) read = read.SetItem(name, amount);
            else result.AddError($"\"{part}\" is no resource with its amount, such as memory=256Gi or nvidia.com/gpu=8");
        }

        return read;
    }
}
