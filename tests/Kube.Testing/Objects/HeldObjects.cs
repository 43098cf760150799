using System.Reflection;
using System.Runtime.CompilerServices;

namespace Kube.Testing;

/// <summary>
/// What an object holds on to, counted: every object that can be reached from it through fields and arrays. Whatever a component remembers
/// is among them, in a field that nobody has thought of too, so that a count that stays the same shows that it forgets.
/// </summary>
public static class HeldObjects
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, FieldInfo[]> Known = [];

    /// <param name="isOutside">Objects that are somebody else's: neither they nor what they lead to are counted.</param>
    /// <returns>How many of each type.</returns>
    public static IReadOnlyDictionary<Type, int> Count(object root, Func<object, bool> isOutside)
    {
        var counts = new Dictionary<Type, int>();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object>([root]);
        while (open.TryPop(out var next))
        {
            // A value in a field is boxed anew each time that it is read, and counts for nothing itself.
            if (next is Type or MemberInfo or Assembly or Module or Pointer || isOutside(next) || !next.GetType().IsValueType && !seen.Add(next)) continue;
            if (!next.GetType().IsValueType) counts[next.GetType()] = counts.GetValueOrDefault(next.GetType()) + 1;
            if (next is string) continue;
            if (next is Array array)
            {
                if (!MayHold(array.GetType().GetElementType()!)) continue;
                foreach (var element in array)
                {
                    if (element is not null) open.Push(element);
                }

                continue;
            }

            foreach (var field in FieldsOf(next.GetType()))
            {
                if (field.GetValue(next) is { } value) open.Push(value);
            }
        }

        return counts;
    }

    private static FieldInfo[] FieldsOf(Type type)
    {
        if (Known.TryGetValue(type, out var known)) return known;
        var all = new List<FieldInfo>();
        for (var at = type; at is not null; at = at.BaseType) all.AddRange(at.GetFields(Fields).Where(static f => MayHold(f.FieldType)));
        return Known[type] = [.. all];
    }

    private static bool MayHold(Type type) =>
        !type.IsPrimitive && !type.IsPointer && !type.IsFunctionPointer && !type.IsEnum && !type.IsByRefLike && (!type.IsValueType || HoldsReferences(type));

    private static bool HoldsReferences(Type type) =>
        (bool)typeof(RuntimeHelpers).GetMethod(nameof(RuntimeHelpers.IsReferenceOrContainsReferences))!.MakeGenericMethod(type).Invoke(null, null)!;
}
